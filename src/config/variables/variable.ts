import type { Kind } from '../kinds/kind.ts'

export type VariableName = `TICKER_${string}`

/** One environment variable. */
export interface Variable<T> {
  readonly name: VariableName
  readonly kind: Kind<T>
  /** One line on what it decides. */
  readonly doc: string
  /** The value where the variable is absent or empty. */
  readonly fallback: T
  /** How `fallback` reads in documents. */
  readonly absent: string
  /** Without it, production does not start. */
  readonly isRequired: boolean
  /** In production it is a fault. */
  readonly isForDevelopment: boolean
  /** Its value is never shown, and `<name>_FILE` may name a file that holds it. */
  readonly isSecret: boolean
}

/** What every declaration states, and the flags that few have. */
interface Declaration<T> {
  readonly name: VariableName
  readonly kind: Kind<T>
  readonly doc: string
  readonly isForDevelopment?: true
}

/** Declares a variable with a default, written as it would be set. */
export function withDefault<T>(declared: Declaration<T> & { readonly default: string }): Variable<T> {
  const parsed = declared.kind.parse(declared.default)
  if ('fault' in parsed) throw new TypeError(`${declared.name}=${declared.default}: ${parsed.fault}`)
  const { name, kind, doc, isForDevelopment = false } = declared
  return {
    name,
    kind,
    doc,
    isForDevelopment,
    fallback: parsed.value,
    absent: `\`${declared.default}\``,
    isRequired: false,
    isSecret: false,
  }
}

/** Declares a variable that may be absent; `absent` says what holds then. */
export function optional<T>(
  declared: Declaration<T> & { readonly absent: string; readonly isSecret?: true },
): Variable<T | undefined> {
  const { isForDevelopment = false, isSecret = false, ...rest } = declared
  return { ...rest, isForDevelopment, isSecret, fallback: undefined, isRequired: false }
}

/** Declares a variable that production does not start without. */
export function required<T>(declared: Declaration<T>): Variable<T | undefined> {
  return { ...optional({ ...declared, absent: 'required in production' }), isRequired: true }
}
