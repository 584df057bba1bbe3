import { NOTICE_HEADER, SERVICES, STREAMS, SUBJECTS } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isTest, read, readSources } from './sources.ts';

interface Channel {
  readonly address: string;
  readonly description: string;
  readonly 'x-publishers': readonly string[];
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
}
interface AsyncApi {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
    readonly messages: Readonly<
      Record<string, { readonly title?: string; readonly payload: { readonly required?: readonly string[] } }>
    >;
    readonly 'x-signed-messages': Readonly<Record<string, string>>;
    readonly messageTraits: { readonly cloudEvent: { readonly headers: { readonly properties: object } } };
  };
}

const text = read('ops/asyncapi.yaml').text;
const document = parse(text) as AsyncApi;
const channels = Object.values(document.channels);
const { roles } = JSON.parse(read('deploy/nats/permissions.json').text) as { roles: Record<string, { publish: string[] }> };

/** Events and their fields, as the source of the contracts has them: types leave no trace at run time. */
function eventsOfContracts(): ReadonlyMap<string, readonly string[]> {
  const source = read('libs/contracts/src/events.ts').text;
  const block = source.slice(source.indexOf('export interface Events'), source.indexOf('export type EventType'));
  const entries = [...block.matchAll(/'([a-z.-]+)':\s*\{([^}]*)\}/g)];
  return new Map(
    entries.map(([, type = '', fields = '']) => [type, [...fields.matchAll(/(\w+)\??:/g)].map(([, name = '']) => name)]),
  );
}

/** `smartlite.lock.ack.{service}.{instance}` -> `smartlite.lock.ack.*.*` */
const pattern = (address: string) => address.replace(/\{\w+\}/g, '*');
const covers = (allowed: string, subject: string) => {
  const [wanted, given] = [pattern(allowed).split('.'), pattern(subject).split('.')];
  return (
    wanted.every((part, index) => part === '>' || part === '*' || part === given[index]) &&
    (wanted.at(-1) === '>' || wanted.length === given.length)
  );
};

describe('the AsyncAPI document', () => {
  it('describes every subject of the code, and no other', () => {
    const fixed = Object.values(SUBJECTS).filter((subject) => typeof subject === 'string');
    const undescribed = [
      ...fixed.filter(
        (subject) =>
          !channels.some(
            ({ address }) => covers(subject, address) || covers(address, subject) || address.startsWith(`${subject}.`),
          ),
      ),
      ...SERVICES.map((service) => SUBJECTS.lockAck(service, 'x')).filter(
        (subject) => !channels.some(({ address }) => covers(pattern(address), subject)),
      ),
    ];
    expect(undescribed).toEqual([]);
    const known = [
      ...fixed,
      ...[SUBJECTS.control, SUBJECTS.ledger].map((log) => `${log}.>`),
      'smartlite.receipt.*',
      'smartlite.load.*.*',
    ];
    expect(
      channels.map(({ address }) => address).filter((address) => !known.some((subject) => covers(subject, address))),
    ).toEqual([]);
  });

  it('describes every subject that is made for a service, an instance or a region, and none is written out anywhere else', () => {
    const named = channels.map(({ address }) => pattern(address));
    const { event: _events, inbox: _inboxes, ...made } = SUBJECTS;
    const functions = Object.values(made).filter((subject) => typeof subject === 'function') as ((
      ...words: string[]
    ) => string)[];
    const undescribed = functions
      .map((subject) => subject('x', 'x'))
      .filter((subject) => !named.some((name) => covers(name, subject)));
    expect(undescribed).toEqual([]);
    const written = readSources()
      .filter(({ path }) => !isTest(path) && path !== 'libs/contracts/src/subjects.ts')
      .flatMap(({ text }) => [...text.matchAll(/['"`](smartlite\.[a-z]+\.[^'"`\s<]*)['"`]/g)].map(([, subject = '']) => subject))
      .map((subject) => subject.replace(/\$\{[^}]*\}/g, '*'));
    expect(written.filter((subject) => !named.some((name) => covers(name, subject)))).toEqual([]);
  });

  it('says of every kind of signed message where it travels', () => {
    const source = read('libs/trust/src/status/envelope.ts').text;
    const block = source.slice(source.indexOf('export type MessageKind'), source.indexOf('export const payloadType'));
    const kinds = [...block.matchAll(/'([a-z-]+)'/g)].map(([, kind = '']) => kind);
    expect(Object.keys(document.components['x-signed-messages']).toSorted()).toEqual(kinds.toSorted());
  });

  it('describes every event with its fields', () => {
    const described = new Map(
      Object.entries(document.components.messages)
        .filter(([name]) => name.startsWith('event.'))
        .map(([name, { payload }]) => [name.slice('event.'.length), payload.required ?? []]),
    );
    expect(described).toEqual(eventsOfContracts());
  });

  it('refers to nothing that is not there', () => {
    const dead = [...text.matchAll(/\$ref: '#\/components\/(\w+)\/([\w.-]+)'/g)].filter(
      ([, kind = '', name = '']) => !Object.hasOwn((document.components as unknown as Record<string, object>)[kind] ?? {}, name),
    );
    expect(dead.map(([reference]) => reference)).toEqual([]);
  });

  it('names as publishers exactly those roles that the permissions let publish', () => {
    const wrong = channels.flatMap(({ address, 'x-publishers': publishers }) => {
      const permitted = Object.keys(roles).filter((role) =>
        roles[role]?.publish.some((allowed) => covers(allowed, address) || covers(address, allowed)),
      );
      return JSON.stringify(permitted.toSorted()) === JSON.stringify(publishers.toSorted())
        ? []
        : [`${address}: ${permitted.join()}`];
    });
    expect(wrong).toEqual([]);
  });

  it('names services, kinds of signed messages, streams and the notice header as the code does', () => {
    expect(document.components.schemas['service']?.enum).toEqual(SERVICES);
    const kinds = [...text.matchAll(/vnd\.smartlite\.([a-z-]+)\+json/g)].map(([, kind = '']) => kind);
    const source = read('libs/trust/src/status/envelope.ts').text;
    expect(kinds.filter((kind) => !source.includes(`'${kind}'`))).toEqual([]);
    expect(Object.values(STREAMS).filter((stream) => !text.includes(stream))).toEqual([]);
    expect(Object.keys(document.components.messageTraits.cloudEvent.headers.properties)).toContain(NOTICE_HEADER);
  });
});
