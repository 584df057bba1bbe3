// Writes the JSON Schemas of pack, lock and latency profile from the very parsers that read them: `npm run schemas`. A test keeps them fresh.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { latencyProfileJsonSchema, lockJsonSchema, packJsonSchema } from '@smartlite/trust';

const SCHEMAS = { 'model-pack.schema.json': packJsonSchema, 'model-lock.schema.json': lockJsonSchema, 'latency-profile.schema.json': latencyProfileJsonSchema };

for (const [name, schema] of Object.entries(SCHEMAS)) writeFileSync(join(import.meta.dirname, name), `${JSON.stringify(schema(), null, 2)}\n`);
