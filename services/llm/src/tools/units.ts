interface Unit {
  readonly family: 'length' | 'mass' | 'volume' | 'temperature' | 'time';
  readonly plural: string;
  /** To the family's base: value x factor + offset. */
  readonly factor: number;
  readonly offset?: number;
}

const of = (family: Unit['family'], factor: number, plural: string, offset = 0): Unit => ({ family, factor, plural, offset });

/** Exact by definition (international yard and pound, US customary volumes), base units meter, kilogram, liter, kelvin, second. */
const UNITS: Readonly<Record<string, Unit>> = {
  kilometer: of('length', 1000, 'kilometers'),
  meter: of('length', 1, 'meters'),
  centimeter: of('length', 0.01, 'centimeters'),
  millimeter: of('length', 0.001, 'millimeters'),
  mile: of('length', 1609.344, 'miles'),
  yard: of('length', 0.9144, 'yards'),
  foot: of('length', 0.3048, 'feet'),
  inch: of('length', 0.0254, 'inches'),
  kilogram: of('mass', 1, 'kilograms'),
  gram: of('mass', 0.001, 'grams'),
  milligram: of('mass', 0.000001, 'milligrams'),
  ton: of('mass', 1000, 'tons'),
  pound: of('mass', 0.45359237, 'pounds'),
  ounce: of('mass', 0.028349523125, 'ounces'),
  stone: of('mass', 6.35029318, 'stone'),
  liter: of('volume', 1, 'liters'),
  milliliter: of('volume', 0.001, 'milliliters'),
  gallon: of('volume', 3.785411784, 'gallons'),
  pint: of('volume', 0.473176473, 'pints'),
  quart: of('volume', 0.946352946, 'quarts'),
  cup: of('volume', 0.2365882365, 'cups'),
  tablespoon: of('volume', 0.01478676478125, 'tablespoons'),
  teaspoon: of('volume', 0.00492892159375, 'teaspoons'),
  celsius: of('temperature', 1, 'degrees Celsius', 273.15),
  fahrenheit: of('temperature', 5 / 9, 'degrees Fahrenheit', 459.67 * (5 / 9)),
  kelvin: of('temperature', 1, 'kelvin'),
  second: of('time', 1, 'seconds'),
  minute: of('time', 60, 'minutes'),
  hour: of('time', 3600, 'hours'),
  day: of('time', 86_400, 'days'),
  week: of('time', 604_800, 'weeks'),
  year: of('time', 31_557_600, 'years'),
};

const PLURALS: ReadonlyMap<string, string> = new Map(Object.entries(UNITS).map(([name, { plural }]) => [plural, name]));

export type Conversion =
  | { readonly kind: 'converted'; readonly value: number; readonly from: string; readonly to: string }
  | { readonly kind: 'unknown-unit'; readonly unit: string }
  | { readonly kind: 'other-family' };

/** Converts between units of one family. Names are canonical singulars; the answer's are spoken forms for the amounts. */
export function convert(value: number, from: string, to: string): Conversion {
  const [source, target] = [unitNamed(from), unitNamed(to)];
  if (!source) return { kind: 'unknown-unit', unit: from };
  if (!target) return { kind: 'unknown-unit', unit: to };
  if (source.family !== target.family) return { kind: 'other-family' };
  const base = value * source.factor + (source.offset ?? 0);
  const converted = (base - (target.offset ?? 0)) / target.factor;
  return { kind: 'converted', value: converted, from: spoken(from, source, value), to: spoken(to, target, converted) };
}

/** The canonical name of a unit said in singular or plural; undefined for any other word. */
export function unitSaid(word: string): string | undefined {
  return unitNamed(word) ? word : PLURALS.get(word);
}

function unitNamed(name: string): Unit | undefined {
  return Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
}

function spoken(name: string, unit: Unit, amount: number): string {
  return amount === 1 && unit.family !== 'temperature' ? name : unit.plural;
}
