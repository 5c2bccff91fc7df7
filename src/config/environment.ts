/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a platform writes where a port would be: the address of a service. */
const serviceAddress = /^(?:tcp|udp|sctp):\/\//i

/** What else is named after the service: variables of Kubernetes' service links and of Docker's links. */
const linkName =
  /^(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR|START|END))?)?|NAME|ENV_.+)$/

/**
 * The variables that a platform has put into the environment for a service beside this program: Kubernetes states every Service of
 * the namespace (`enableServiceLinks`), Docker every container that is linked.
 */
export class ServiceLinks {
  /** How the variables of each service begin. */
  readonly #prefixes: readonly string[]

  constructor(env: Environment) {
    const prefixes = new Set<string>()
    for (const [name, value] of Object.entries(env)) {
      // `_PORT` alone may have been set by the operator, for the variable of ours that it hits.
      const prefix = /^(.*_)PORT(?:_\d+_(?:TCP|UDP|SCTP))?$/.exec(name)?.[1]
      if (prefix !== undefined && serviceAddress.test(value ?? '')) prefixes.add(prefix)
    }
    this.#prefixes = [...prefixes]
  }

  has(name: string): boolean {
    return this.#prefixes.some(prefix => name.startsWith(prefix) && linkName.test(name.slice(prefix.length)))
  }
}

/** The fault of a variable of ours whose name a service takes; `undefined` where none does. */
export function linkFault(name: string, text: string): string | undefined {
  if (!name.endsWith('_PORT') || !serviceAddress.test(text)) return undefined
  const service = name.slice(0, -'_PORT'.length).toLowerCase().replaceAll('_', '-')
  return (
    `Kubernetes sets this for the Service "${service}", or Docker for a link of that name; ` +
    "set enableServiceLinks: false in the pod's spec, or this variable to a port"
  )
}

/**
 * A value without what files, editors and shells leave around it: a byte order mark, line ends (Windows' as well) and, unless it is a secret,
 * which may have some of its own, white space.
 */
export function trimmed(text: string, isSecret: boolean): string {
  return isSecret ? text.replace(/^\uFEFF/, '').replace(/[\r\n]+$/, '') : text.trim()
}

/** Whether a value stands in quotes, as `docker --env-file` hands on those of a file written for a shell. */
export function isQuoted(text: string): boolean {
  return /^(["']).*\1$/s.test(text)
}
