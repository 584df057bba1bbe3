import type { z } from 'zod';
import type { Environment } from '../service.ts';
import { SettingsError } from './fault.ts';

/** `HTTP_ADDRESS` becomes `httpAddress`. */
type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<S>;
/** The prefix `SMARTLITE_` says nothing inside the program, so it goes. */
export type SettingName<Variable extends string> = Variable extends `SMARTLITE_${infer Rest}` ? Camel<Rest> : Camel<Variable>;

export type SettingsShape = Readonly<Record<string, z.ZodType>>;
export type SettingsOf<S extends SettingsShape> = { readonly [K in keyof S & string as SettingName<K>]: z.output<S[K]> };

/** From the environment to a typed value; `shape` lets a test or a document print what there is to set. */
export interface Settings<S extends SettingsShape> {
  (environment: Environment): SettingsOf<S>;
  readonly shape: S;
}

/**
 * Declares settings: variable name -> zod schema of its text. Meaning, unit and bounds stand in the schema's description, the
 * default in the schema. An empty variable counts as not set.
 * The returned function throws one `SettingsError` that lists all faults.
 */
export function defineSettings<S extends SettingsShape>(shape: S): Settings<S> {
  const read = (environment: Environment): SettingsOf<S> => {
    const faults: string[] = [];
    const values: Record<string, unknown> = {};
    for (const [variable, schema] of Object.entries(shape)) {
      const given = environment[variable] === '' ? undefined : environment[variable];
      const parsed = schema.safeParse(given);
      if (parsed.success) values[nameOf(variable)] = parsed.data;
      else faults.push(describeFault(variable, given, schema, parsed.error));
    }
    if (faults.length > 0) throw new SettingsError(faults);
    return values as SettingsOf<S>;
  };
  return Object.assign(read, { shape });
}

function nameOf(variable: string): string {
  const words = variable.replace(/^SMARTLITE_/, '').toLowerCase();
  return words.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

// The value itself is not repeated: a variable may hold something that must not reach a log.
function describeFault(variable: string, given: string | undefined, schema: z.ZodType, error: z.ZodError): string {
  const wrong = given === undefined ? 'is not set' : error.issues.map((issue) => issue.message).join('; ');
  const meaning = meaningOf(schema);
  return `${variable}: ${wrong}.${meaning === undefined ? '' : ` It means: ${meaning}.`} Set it in the environment.`;
}

/** The description of a setting; it stands inside where a default or `optional` is around it. */
export function meaningOf(schema: z.ZodType): string | undefined {
  if (schema.description !== undefined) return schema.description;
  return 'unwrap' in schema && typeof schema.unwrap === 'function' ? meaningOf(schema.unwrap() as z.ZodType) : undefined;
}
