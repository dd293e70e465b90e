import { type Transport, type TransportContext, type TransportServer } from '../shared/transport.js';

/** Nest's number for TCP, `Transport.TCP`. */
const tcp = 0;

/** TCP: clients come to the address of this process. */
export function tcpTransport(server: TransportServer, context: TransportContext): Transport | undefined {
  if (server.transportId !== tcp) return undefined;
  return {
    name: 'TCP',
    announce: () => undefined,
    stopTaking: () => Promise.resolve(),
    refusal: () => context.refusal,
  };
}
