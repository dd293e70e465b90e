import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { StandIn } from '../../../../src/drainables/shared/stand-in.js';

let server: EventEmitter;
let heard: unknown[][];
const listener = (...args: unknown[]) => void heard.push(args);

beforeEach(() => {
  server = new EventEmitter();
  heard = [];
});

describe('StandIn', () => {
  it('sees an event before its listeners, which then hear of it with all that came with it', () => {
    const order: string[] = [];
    server.on('request', () => order.push('listener'));
    server.prependListener('request', () => order.push('prepended'));
    server.on('request', listener);
    new StandIn(server).before('request', () => void order.push('stand-in'));
    expect(server.emit('request', 1, 2, 3, 4, 5)).toBe(true);
    expect(order).toEqual(['stand-in', 'prepended', 'listener']);
    expect(heard).toEqual([[1, 2, 3, 4, 5]]);
  });

  it('keeps an event from all listeners, however they were added', () => {
    let isKept = true;
    new StandIn(server).before('request', () => isKept);
    server.on('request', listener);
    server.prependListener('request', listener);
    expect(server.emit('request')).toBe(true);
    expect(heard).toEqual([]);
    isKept = false;
    server.emit('request');
    expect(heard).toEqual([[], []]);
  });

  it('is no listener, and changes nothing of what comes and goes', () => {
    new StandIn(server).before('upgrade', () => false);
    expect([server.listenerCount('upgrade'), server.eventNames(), server.emit('upgrade')]).toEqual([0, [], false]);
    server.once('upgrade', listener);
    expect([server.emit('upgrade', 'a'), server.emit('upgrade', 'b')]).toEqual([true, false]);
    server.on('upgrade', listener);
    server.removeAllListeners('upgrade');
    expect(server.emit('upgrade')).toBe(false);
    expect(heard).toEqual([['a']]);
    expect(Object.keys(server)).not.toContain('emit');
  });

  it('leaves all other events alone, and the names that every object has', () => {
    new StandIn(server).before('request', () => true);
    server.on('toString', listener);
    server.emit('toString', 'a');
    expect(heard).toEqual([['a']]);
    expect(() => server.emit('error', new Error('unheard'))).toThrow('unheard');
  });

  it('stands in front of another one, and of whoever has overlaid the server before', () => {
    const order: string[] = [];
    server.emit = function (...args) {
      order.push('overlaid');
      return EventEmitter.prototype.emit.apply(this, args);
    };
    new StandIn(server).before('request', () => void order.push('first'));
    new StandIn(server).before('request', () => void order.push('second'));
    server.emit('request');
    expect(order).toEqual(['second', 'first', 'overlaid']);
  });
});
