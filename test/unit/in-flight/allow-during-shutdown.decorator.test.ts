import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { AllowDuringShutdown, routesOf } from '../../../src/in-flight/allow-during-shutdown.decorator.js';
import { ALLOW_DURING_SHUTDOWN } from '../../../src/in-flight/metadata.js';

type Methods = Record<string, (this: object, ...args: unknown[]) => unknown>;

/** The names of the methods that are allowed, as Nest would look at them: on the function it hands to the adapter. */
function allowedOf(controller: { prototype: object }): string[] {
  const prototype = controller.prototype as Methods;
  const names = new Set<string>();
  for (let each: object = prototype; each !== Object.prototype; each = Object.getPrototypeOf(each) as object) {
    for (const name of Object.getOwnPropertyNames(each)) if (name !== 'constructor') names.add(name);
  }
  return [...names].filter((name) => Reflect.hasMetadata(ALLOW_DURING_SHUTDOWN, prototype[name]!)).sort();
}

describe('@AllowDuringShutdown()', () => {
  it('marks a route and none beside it', () => {
    @Controller()
    class Orders {
      @AllowDuringShutdown()
      @Get('metrics')
      metrics() {}
      @Get('orders')
      orders() {}
    }
    expect(allowedOf(Orders)).toEqual(['metrics']);
  });

  it('marks a route wherever it stands among the decorators', () => {
    @Controller()
    class Health {
      @Get('live')
      @AllowDuringShutdown()
      live() {}
      @AllowDuringShutdown()
      @Get('ready')
      ready() {}
    }
    expect(allowedOf(Health)).toEqual(['live', 'ready']);
  });

  it('marks every route of a controller, and not its other methods', () => {
    @AllowDuringShutdown()
    @Controller('health')
    class Health {
      @Get('live')
      live() {}
      @Post('drill')
      drill() {}
      helper() {}
    }
    expect(allowedOf(Health)).toEqual(['drill', 'live']);
  });

  it('marks a route that a subclass inherits', () => {
    class Base {
      @AllowDuringShutdown()
      @Get('live')
      live() {}
    }
    @Controller()
    class Health extends Base {
      @Get('orders')
      orders() {}
    }
    expect(allowedOf(Health)).toEqual(['live']);
  });

  it('does not mark what a subclass puts in the place of a marked route', () => {
    class Base {
      @AllowDuringShutdown()
      @Get('live')
      live() {}
    }
    @Controller()
    class Orders extends Base {
      @Get('live')
      override live() {}
    }
    expect(allowedOf(Orders)).toEqual([]);
  });

  describe('on a controller that inherits routes', () => {
    class Base {
      readonly label: string = 'base';
      @Get('status/:id')
      @HttpCode(202)
      status(@Param('id') id?: string) {
        return `${this.label} ${id ?? ''}`;
      }
    }
    @AllowDuringShutdown()
    @Controller('health')
    class Health extends Base {
      override readonly label = 'health';
    }
    @Controller('orders')
    class Orders extends Base {}

    it('marks them there', () => {
      expect(allowedOf(Health)).toEqual(['status']);
    });

    it('marks neither the base class nor its other subclasses', () => {
      expect(allowedOf(Base)).toEqual([]);
      expect(allowedOf(Orders)).toEqual([]);
    });

    it('leaves them what they do, their name and their metadata', () => {
      const own = Health.prototype.status;
      expect(own).not.toBe(Base.prototype.status);
      expect(own.name).toBe('status');
      expect(new Health().status('7')).toBe('health 7');
      for (const key of ['path', 'method', '__httpCode__']) {
        expect(Reflect.getMetadata(key, own)).toEqual(Reflect.getMetadata(key, Base.prototype.status));
      }
    });

    it('keeps the parameters that Nest finds by class and method name', () => {
      const key = '__routeArguments__';
      expect(Reflect.getMetadata(key, Health, 'status')).toBeDefined();
      expect(Reflect.getMetadata(key, Health, 'status')).toEqual(Reflect.getMetadata(key, Base, 'status'));
    });

    it('adds no name to what is enumerated', () => {
      expect(Object.keys(Health.prototype)).toEqual([]);
    });
  });

  it.each([
    ['a property', () => Reflect.decorate([AllowDuringShutdown() as PropertyDecorator], class {}.prototype, 'field')],
    [
      'a getter',
      () => {
        class Health {
          @AllowDuringShutdown()
          get field() {
            return 1;
          }
        }
        return Health;
      },
    ],
  ])('raises DRAIN_MISPLACED_DECORATOR on %s', (_, place) => {
    expect(place).toThrow(
      expect.objectContaining({
        code: 'DRAIN_MISPLACED_DECORATOR',
        message:
          'Expected @AllowDuringShutdown() on a route method or a controller, got it on field, which is no method. Move it.',
      }),
    );
  });
});

describe('routesOf', () => {
  it('finds own and inherited routes, each once, and does not touch getters', () => {
    class Base {
      @Get('a')
      a() {}
      @Get('b')
      b() {}
    }
    class Sub extends Base {
      @Get('b')
      override b() {}
      @Get('c')
      c() {}
      get lazy(): never {
        throw new Error('a getter was read');
      }
      helper() {}
    }
    expect(routesOf(Sub.prototype).sort()).toEqual(['a', 'b', 'c']);
  });
});
