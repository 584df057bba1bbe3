import { NodeTransport } from 'nats/lib/src/node_transport.js';

// Imported for its effect wherever a connection to NATS is made.
//
// The NATS client takes the listeners off a socket before it destroys it. A write that failed in that moment, because the server had
// just ended the connection, then has nobody to tell its error to, and an error event without a listener ends the process. A socket
// that is let go keeps a listener here.

interface Closing {
  readonly socket: NodeJS.EventEmitter | undefined;
  _closed: (this: Closing, error?: Error, internal?: boolean) => Promise<void>;
}

const transport = NodeTransport.prototype as unknown as Closing;
const { _closed: close } = transport;

transport._closed = async function keepingAListener(this: Closing, ...given) {
  const { socket } = this;
  const listen = () => void socket?.on('error', () => undefined);
  const closing = close.apply(this, given);
  listen();
  // Taken off by then, and the error of a last write is told only after this.
  await closing;
  listen();
};
