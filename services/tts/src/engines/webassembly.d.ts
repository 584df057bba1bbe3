/** The part of the WebAssembly JavaScript interface that the engines use; the types of Node do not declare it. https://webassembly.github.io/spec/js-api/ */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module';
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }
  type ModuleImports = Record<string, (...args: never[]) => unknown>;
  type Imports = Record<string, ModuleImports>;
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
  function instantiate(module: Module, imports: Imports): Promise<Instance>;
}
