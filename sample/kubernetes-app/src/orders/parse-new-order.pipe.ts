import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import type { NewOrder } from './order.js';

@Injectable()
export class ParseNewOrderPipe implements PipeTransform<unknown, NewOrder> {
  transform(body: unknown): NewOrder {
    const { item, quantity, unitCents } = (body ?? {}) as Partial<Record<keyof NewOrder, unknown>>;
    if (typeof item !== 'string' || item.trim() === '' || item.length > 100) {
      throw new BadRequestException('item must be a text of 1 to 100 characters');
    }
    return {
      item,
      quantity: wholeNumber('quantity', quantity, 1, 100),
      unitCents: wholeNumber('unitCents', unitCents, 0, 1_000_000),
    };
  }
}

function wholeNumber(field: keyof NewOrder, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new BadRequestException(`${field} must be a whole number from ${min} to ${max}`);
}
