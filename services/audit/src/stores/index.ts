import { DatabaseSync } from 'node:sqlite';
import { EMPTY_ROOT } from '@smartlite/tlog';
import { digestOf } from '../entry.ts';
import { isCertificate } from '../producers.ts';
import type { Filter, Head, Index } from '../engine.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL,
    at INTEGER NOT NULL, service TEXT NOT NULL, kind TEXT NOT NULL, trace TEXT, actor TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS by_trace ON entries (trace) WHERE trace IS NOT NULL;
  CREATE INDEX IF NOT EXISTS by_kind ON entries (kind, position);
  CREATE INDEX IF NOT EXISTS by_actor ON entries (actor, position);
  CREATE TABLE IF NOT EXISTS heads (producer TEXT NOT NULL, boot TEXT NOT NULL, counter INTEGER NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (producer, boot)) STRICT;
  CREATE TABLE IF NOT EXISTS boots (producer TEXT NOT NULL, boot TEXT NOT NULL, certificate TEXT NOT NULL,
    PRIMARY KEY (producer, boot)) STRICT;
  CREATE TABLE IF NOT EXISTS covers (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root TEXT NOT NULL) STRICT;
`;
/** Raised with the schema: an index of another version is thrown away and built anew. */
const VERSION = 3;
const NOTHING = { size: 0, root: Buffer.from(EMPTY_ROOT).toString('hex') };

/** The index in one SQLite file. It lags behind the log after a power cut and is caught up from it; nothing rests on it alone. */
export function sqliteIndex(file: string): Index {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  prepareSchema(database);
  const statements = {
    entry: database.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    head: database.prepare(
      'INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET counter = excluded.counter, digest = excluded.digest WHERE excluded.counter > counter',
    ),
    boot: database.prepare('INSERT OR IGNORE INTO boots VALUES (?, ?, ?)'),
    certificate: database.prepare('SELECT certificate FROM boots WHERE producer = ? AND boot = ?'),
    cover: database.prepare('INSERT OR REPLACE INTO covers VALUES (1, ?, ?)'),
    find: database.prepare('SELECT position, digest FROM entries WHERE id = ?'),
  };
  let covers = (database.prepare('SELECT size, root FROM covers').get() as typeof NOTHING | undefined) ?? NOTHING;
  const inTransaction = (work: () => void) => {
    database.exec('BEGIN');
    try {
      work();
      database.exec('COMMIT');
    } catch (caught) {
      database.exec('ROLLBACK');
      throw caught;
    }
  };
  return {
    get covers() {
      return covers;
    },
    add(lines, root) {
      const next = { size: covers.size + lines.length, root };
      inTransaction(() => {
        lines.forEach(({ entry, bytes }, at) => {
          const { id, atUnixMs, service, kind, traceId, actor, producer, boot, counter } = entry;
          const digest = digestOf(bytes);
          statements.entry.run(covers.size + at, id, digest, atUnixMs, service, kind, traceId, actor);
          statements.head.run(producer, boot, counter, digest);
          if (isCertificate({ entry, bytes })) statements.boot.run(producer, boot, String(entry.facts['certificate']));
        });
        statements.cover.run(next.size, next.root);
      });
      covers = next;
    },
    forgetAll() {
      inTransaction(() => database.exec('DELETE FROM entries; DELETE FROM heads; DELETE FROM boots; DELETE FROM covers;'));
      covers = NOTHING;
    },
    find: (id) => statements.find.get(id) as ReturnType<Index['find']>,
    heads: () => database.prepare('SELECT producer, boot, counter, digest FROM heads').all() as unknown as Head[],
    certificateOf: (producer, boot) =>
      (statements.certificate.get(producer, boot) as { certificate: string } | undefined)?.certificate,
    positions: (filter) => positions(database, filter),
    close: () => database.close(),
  };
}

function prepareSchema(database: DatabaseSync): void {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version === VERSION) return;
  database.exec(
    'DROP TABLE IF EXISTS entries; DROP TABLE IF EXISTS heads; DROP TABLE IF EXISTS boots; DROP TABLE IF EXISTS covers;',
  );
  database.exec(SCHEMA);
  database.exec(`PRAGMA user_version = ${VERSION}`);
}

function positions(
  database: DatabaseSync,
  { id, traceId, service, kind, actor, before, fromUnixMs, toUnixMs, limit }: Filter,
): readonly number[] {
  const given: readonly (readonly [string, string | number])[] = [
    ['id = ?', id],
    ['trace = ?', traceId],
    ['service = ?', service],
    ['kind = ?', kind.includes('.') ? kind : ''],
    ['kind >= ?', kind.includes('.') || kind === '' ? '' : `${kind}.`],
    // What follows the dot is below it in ASCII.
    ['kind < ?', kind.includes('.') || kind === '' ? '' : `${kind}/`],
    ['actor = ?', actor],
    ['position < ?', before],
    ['at >= ?', fromUnixMs],
    ['at <= ?', toUnixMs],
  ];
  const used = given.filter(([, value]) => value !== '' && value !== 0);
  const where = used.length > 0 ? `WHERE ${used.map(([condition]) => condition).join(' AND ')}` : '';
  const rows = database
    .prepare(`SELECT position FROM entries ${where} ORDER BY position DESC LIMIT ?`)
    .all(...used.map(([, value]) => value), limit) as unknown as { position: number }[];
  return rows.map(({ position }) => position).toReversed();
}
