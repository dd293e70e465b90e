export interface Order {
  id: number;
  item: string;
  quantity: number;
  totalCents: number;
  status: 'open' | 'shipped';
}

export interface NewOrder {
  item: string;
  quantity: number;
  unitCents: number;
}

export interface OrderReport {
  orders: number;
  revenueCents: number;
  byStatus: { open: number; shipped: number };
  largest: Order;
}
