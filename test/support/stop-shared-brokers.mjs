export { stopSharedBrokers as default } from './shared-brokers.mjs';
