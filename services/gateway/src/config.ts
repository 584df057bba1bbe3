import { address, defineSettings, path, wholeNumber } from '@smartlite/chassis';

const MIB = 1024 * 1024;

export const gatewayConfig = defineSettings({
  SMARTLITE_HTTP_ADDRESS: address('Where HTTP is served.').default('127.0.0.1:8080'),
  SMARTLITE_CLIENTS: path('File of the API keys\' digests, written by "smartlite clients".'),
  SMARTLITE_UPLOAD_BYTES_MAX: wholeNumber('Largest upload, in bytes.', { min: 1024, max: 1024 * MIB }).default(25 * MIB),
  SMARTLITE_TURN_SECONDS_MAX: wholeNumber('Longest audio of one turn, in seconds.', { min: 1, max: 60 }).default(60),
  SMARTLITE_IDLE_MS_MAX: wholeNumber('Longest silence of a client that has not sent its whole request, in milliseconds.', {
    min: 100,
    max: 600_000,
  }).default(20_000),
  SMARTLITE_RESERVATION_MS: wholeNumber('How long one request may spend what it reserved, in milliseconds.', {
    min: 10_000,
    // The ledger gives no longer lives.
    max: 600_000,
  }).default(180_000),
});
