import { Module } from '@nestjs/common';
import { Args, Int, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';

/** What Apollo and Mercurius serve alike. */
@Resolver()
class OrdersResolver {
  private count = 0;

  @Query(() => Int)
  count_(): number {
    return this.count;
  }

  @Query(() => String)
  async failing(): Promise<string> {
    throw new Error('failed');
  }

  @Query(() => String)
  lazy(): PromiseLike<string> {
    return { then: (resolve: (value: string) => unknown) => resolve(`row ${++this.count}`) } as PromiseLike<string>;
  }

  @Mutation(() => Int)
  async add(@Args('n', { type: () => Int }) n: number): Promise<number> {
    return (this.count += n);
  }

  @Subscription(() => Int)
  async *ticks() {
    yield { ticks: 1 };
  }
}

@Module({ providers: [OrdersResolver] })
export class OrdersModule {}
