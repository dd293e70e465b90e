import { describe, expect, it } from '@jest/globals';
import { ClientTCP } from '@nestjs/microservices';
import { retryWhenDraining, type RetryWhenDrainingOptions } from 'nestjs-drain/client';
import { lastValueFrom, of } from 'rxjs';

describe('nestjs-drain/client', () => {
  it('takes the client of a microservice, and leaves what is answered as it is', async () => {
    const client = new ClientTCP({ port: 1 });
    const options: RetryWhenDrainingOptions = { attempts: 3 };
    expect(await lastValueFrom(of(1).pipe(retryWhenDraining(client, options)))).toBe(1);
  });
});
