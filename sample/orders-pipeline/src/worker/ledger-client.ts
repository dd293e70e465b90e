import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type ClientGrpc, Transport } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { type Entry, type Ledger, ledgerProtocol } from '../ledger/ledger.js';
import { settings } from '../settings.js';

export const LEDGER = 'LEDGER';

/** A call that a ledger refuses, because it is going, is made again: gRPC does that by itself, if it is told to. */
const serviceConfig = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{ service: 'ledger.Ledger' }],
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: '0.2s',
        maxBackoff: '1s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
};

export const ledgerClientOptions = {
  name: LEDGER,
  transport: Transport.GRPC as const,
  options: {
    ...ledgerProtocol,
    url: `ipv4:${settings.ledgerAddresses}`,
    channelOptions: {
      'grpc.service_config': JSON.stringify(serviceConfig),
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 200,
    },
  },
};

@Injectable()
export class LedgerClient implements OnModuleInit {
  private ledger!: Ledger;

  constructor(@Inject(LEDGER) private readonly client: ClientGrpc) {}

  onModuleInit(): void {
    this.ledger = this.client.getService<Ledger>('Ledger');
  }

  async record(entry: Entry): Promise<void> {
    await lastValueFrom(this.ledger.record(entry));
  }
}
