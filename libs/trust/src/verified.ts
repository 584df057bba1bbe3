declare const proven: unique symbol;

/** A value that has been proven; made by `verify`-, `open`- and `load`-functions of this library alone. */
export type Verified<T> = T & { readonly [proven]: true };

/** Not exported by the library: whoever calls this has just proven the value. */
export function asVerified<T>(value: T): Verified<T> {
  return value as Verified<T>;
}
