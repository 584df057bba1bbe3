/** A unit the model may write in a call: its canonical singular, how it is said, and what it can be converted to. */
export interface Unit {
  readonly name: string;
  readonly plural: string;
  readonly family: 'length' | 'mass' | 'volume' | 'temperature' | 'time';
}

const unit = (family: Unit['family'], name: string, plural = `${name}s`): Unit => ({ name, plural, family });

/** Every unit name that `<unit VALUE FROM TO>` may carry. */
export const UNITS: readonly Unit[] = [
  ...['kilometer', 'meter', 'centimeter', 'millimeter', 'mile', 'yard'].map((name) => unit('length', name)),
  unit('length', 'foot', 'feet'),
  unit('length', 'inch', 'inches'),
  ...['kilogram', 'gram', 'milligram', 'ton', 'pound', 'ounce', 'stone'].map((name) => unit('mass', name)),
  ...['liter', 'milliliter', 'gallon', 'pint', 'quart', 'cup', 'tablespoon', 'teaspoon'].map((name) => unit('volume', name)),
  ...['celsius', 'fahrenheit', 'kelvin'].map((name) => unit('temperature', name, name)),
  ...['second', 'minute', 'hour', 'day', 'week', 'year'].map((name) => unit('time', name)),
];
