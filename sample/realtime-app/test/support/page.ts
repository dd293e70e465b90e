import type { Page } from 'playwright-core';

/** The cards of the page, by id: one for each kind of connection. */
export const cards = ['events', 'ws', 'socket.io'] as const;
export type CardId = (typeof cards)[number];

export interface Card {
  readonly state: string;
  /** The last number. */
  readonly last: number;
  /** Numbers that never came. */
  readonly gaps: number;
  /** Numbers that came again. */
  readonly doubles: number;
  readonly reconnects: number;
  /** The longest time without a new number. */
  readonly longestMs: number;
  readonly replica: string;
}

/** What a card shows, read off the page. */
export function read(page: Page, id: CardId): Promise<Card> {
  return page.locator(`[id="${id}"]`).evaluate((element) => {
    const text = (name: string) => element.querySelector(`[data-value="${name}"]`)?.textContent ?? '';
    const number = (name: string) => Number(text(name).replace(/\D/g, ''));
    return {
      state: element.dataset.state ?? '',
      last: number('last'),
      gaps: number('gaps'),
      doubles: number('doubles'),
      reconnects: number('reconnects'),
      longestMs: number('longestMs'),
      replica: text('replica'),
    };
  });
}

export async function readAll(page: Page): Promise<Record<CardId, Card>> {
  const entries = await Promise.all(cards.map(async (id) => [id, await read(page, id)] as const));
  return Object.fromEntries(entries) as Record<CardId, Card>;
}

/** Resolves when every card is connected, and has gone on by a second's worth of numbers. */
export async function allGoOn(page: Page): Promise<void> {
  const before = await readAll(page);
  for (const id of cards) {
    await page.waitForFunction(
      ({ id, last }) => {
        const card = document.getElementById(id);
        const now = Number(card?.querySelector('[data-value="last"]')?.textContent?.replace(/\D/g, ''));
        return card?.dataset.state === 'connected' && now >= last + 4;
      },
      { id, last: before[id].last },
    );
  }
}
