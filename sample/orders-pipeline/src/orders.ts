/** An order, as it travels from one part to the next. */
export interface Order {
  readonly id: string;
  readonly item: string;
}

/** RabbitMQ: the queue, and the event in it. */
export const ORDERS_QUEUE = 'orders';
export const ORDER_PLACED = 'order.placed';
/** BullMQ: the queue of what is to be packed. */
export const PACKING_QUEUE = 'packing';
/** Inside the worker: what is told when an order has been packed. */
export const ORDER_PACKED = 'order.packed';

/** Where the API hands an order over. The promise settles when the order is safe with somebody else. */
export abstract class PlacedOrders {
  abstract place(order: Order): Promise<void>;
}

/** Where the worker leaves an order that is to be packed. */
export abstract class PackingJobs {
  abstract add(order: Order): Promise<void>;
}
