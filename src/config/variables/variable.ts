import type { Kind } from '../kinds/kind.ts'

type VariableName = `TICKER_${string}`

/** One environment variable. */
export interface Variable<T> {
  readonly name: VariableName
  readonly kind: Kind<T>
  /** The variable's effect, in one line. */
  readonly doc: string
  /** The value of an absent or empty variable. */
  readonly fallback: T
  /** How documents describe `fallback`. */
  readonly absent: string
  /** Production does not start without it. */
  readonly isRequired: boolean
  /** It is a fault in production. */
  readonly isForDevelopment: boolean
  /** The value is never shown, and `<name>_FILE` may name a file that contains it. */
  readonly isSecret: boolean
}

/** The members that all declarations share. */
interface Declaration<T> {
  readonly name: VariableName
  readonly kind: Kind<T>
  readonly doc: string
  readonly isForDevelopment?: true
}

/** Declares a variable with a default, written as one would set it. */
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

/** Declares a variable that may be absent; `absent` describes the effect of that. */
export function optional<T>(
  declared: Declaration<T> & { readonly absent: string; readonly isSecret?: true },
): Variable<T | undefined> {
  const { isForDevelopment = false, isSecret = false, ...rest } = declared
  return { ...rest, isForDevelopment, isSecret, fallback: undefined, isRequired: false }
}

/** Declares a variable that production requires. */
export function required<T>(declared: Declaration<T>): Variable<T | undefined> {
  return { ...optional({ ...declared, absent: 'required in production' }), isRequired: true }
}
