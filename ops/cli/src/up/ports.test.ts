import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freeAddress } from './fixtures/mesh.ts';
import { parseAddress, requireFree } from './ports.ts';
import { parseScale } from './scale.ts';

const NAMES = { what: 'the gateway', setting: 'SMARTLITE_HTTP_ADDRESS' };

describe('a port that somebody holds', () => {
  it('is refused with its holder and another port to choose', async () => {
    const address = await freeAddress();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(address.port, address.host, resolve));
    onTestFinished(() => void server.close());
    await expect(requireFree(address, NAMES)).rejects.toMatchObject({
      message: expect.stringContaining(`Port ${address.port} for the gateway is taken by`),
      remedy: expect.stringContaining(`SMARTLITE_HTTP_ADDRESS=127.0.0.1:${address.port + 10}`),
    });
    await expect(requireFree(address, NAMES)).rejects.toThrow(`process ${process.pid}`);
  });
});

describe('an address that this machine does not have', () => {
  it('is said as such, and not as taken by somebody', async () => {
    // TEST-NET-1 of RFC 5737: nobody's.
    await expect(requireFree({ host: '192.0.2.1', port: 8_080 }, NAMES)).rejects.toMatchObject({
      message: '192.0.2.1, for the gateway, is no address of this machine.',
      remedy: expect.stringContaining('SMARTLITE_HTTP_ADDRESS=127.0.0.1:8090'),
    });
  });
});

describe('a free port', () => {
  it('is accepted', async () => {
    await requireFree(await freeAddress(), NAMES);
  });
});

describe('an address', () => {
  it.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ])('reads %s', (text, address) => {
    expect(parseAddress(text, 'X')).toEqual(address);
  });

  it.each(['8080', '127.0.0.1', '127.0.0.1:65536', '127.0.0.1:', ':80', '::1:80'])('refuses %s as misuse', (text) => {
    expect(() => parseAddress(text, 'X')).toThrow(/X: .* is no host:port/);
  });
});

describe('a scale', () => {
  it('names services and how many of each', () => {
    expect(parseScale('asr=2,tts=3')).toEqual({ asr: 2, tts: 3 });
    expect(parseScale(undefined)).toEqual({});
  });

  it('may leave a service to another host of the same NATS', () => {
    expect(parseScale('asr=0')).toEqual({ asr: 0 });
  });

  it.each(['asr', 'asr=-1', 'asr=x', 'asr=99', 'asr=1e1', 'radio=2', 'gateway=2'])('refuses %s', (text) => {
    expect(() => parseScale(text)).toThrow(/--scale/);
  });
});
