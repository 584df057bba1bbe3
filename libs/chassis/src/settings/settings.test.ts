import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { baseSettings } from './base.ts';
import { defineSettings, meaningOf } from './define.ts';
import { readTogether, SettingsError } from './fault.ts';
import { address, flag, wholeNumber } from './schemas.ts';

const settings = defineSettings({
  SMARTLITE_HTTP_ADDRESS: address('where HTTP listens').default('127.0.0.1:8080'),
  SMARTLITE_TURNS_MAX: wholeNumber('turns at once', { min: 1, max: 100 }),
  SMARTLITE_SHADOW: flag('copies traffic').default(false),
  OTEL_NAME: z.string().describe('a name').optional(),
});

const faultsOf = (read: () => unknown): readonly string[] => {
  try {
    read();
    return [];
  } catch (caught) {
    if (caught instanceof SettingsError) return caught.faults;
    throw caught;
  }
};

describe('settings, all given well', () => {
  it('become typed values named without the prefix, with defaults', () => {
    const value: {
      readonly httpAddress: string;
      readonly turnsMax: number;
      readonly shadow: boolean;
      readonly otelName: string | undefined;
    } = settings({
      SMARTLITE_TURNS_MAX: '7',
      SMARTLITE_SHADOW: 'true',
    });
    expect(value).toEqual({ httpAddress: '127.0.0.1:8080', turnsMax: 7, shadow: true, otelName: undefined });
  });

  it('count an empty variable as not set', () => {
    expect(settings({ SMARTLITE_TURNS_MAX: '7', SMARTLITE_HTTP_ADDRESS: '' }).httpAddress).toBe('127.0.0.1:8080');
  });
});

describe('settings with several faults', () => {
  it('report all of them together, each with variable, reason and meaning', () => {
    const faults = faultsOf(() => settings({ SMARTLITE_HTTP_ADDRESS: 'nowhere', SMARTLITE_SHADOW: 'maybe' }));
    expect(faults).toHaveLength(3);
    expect(faults[0]).toMatch(/^SMARTLITE_HTTP_ADDRESS: is no host:port\. It means: where HTTP listens\./);
    expect(faults[1]).toMatch(/^SMARTLITE_TURNS_MAX: is not set\./);
    expect(faults[2]).toMatch(/^SMARTLITE_SHADOW: /);
  });

  it('of the chassis and of the service are one report', () => {
    const faults = faultsOf(() =>
      readTogether(
        () => baseSettings({}),
        () => settings({}),
      ),
    );
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'SMARTLITE_HOME',
      'SMARTLITE_NATS_URL',
      'SMARTLITE_PACK',
      'SMARTLITE_LOCK',
      'SMARTLITE_TRUST',
      'SMARTLITE_MODELS',
      'SMARTLITE_IDENTITY',
      'SMARTLITE_TURNS_MAX',
    ]);
  });

  it('never repeat the value, which may be a secret', () => {
    expect(faultsOf(() => settings({ SMARTLITE_TURNS_MAX: 'hunter2' })).join()).not.toContain('hunter2');
  });
});

describe('a base setting', () => {
  it('always says what it means', () => {
    for (const [variable, schema] of Object.entries(baseSettings.shape)) {
      expect(meaningOf(schema), variable).toMatch(/\w{3}/);
    }
  });
});
