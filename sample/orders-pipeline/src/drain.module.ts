import { GracefulShutdownModule } from 'nestjs-drain';

/** All that the parts of the pipeline do to be stopped without losing an order. */
export const drainModules = process.env.WITHOUT_DRAIN ? [] : [GracefulShutdownModule.forRoot(10_000)];
