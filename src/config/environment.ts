/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The address of a service, which a platform sets where a port is expected. */
const serviceAddress = /^(?:tcp|udp|sctp):\/\//i

/**
 * The names of the other variables that Kubernetes' service links and Docker's links set, after the prefix.
 */
const linkNames = [
  /^SERVICE_(?:HOST|PORT(?:_\w+)?)$/,
  /^PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR|START|END))?)?$/,
  /^(?:NAME|ENV_.+)$/,
]

/**
 * Recognises the variables that a platform sets for a service beside this program: Kubernetes for every
 * Service of the namespace (`enableServiceLinks`), Docker for every linked container.
 */
export class ServiceLinks {
  /** The prefixes of the services' variables. */
  readonly #prefixes: readonly string[]

  constructor(env: Environment) {
    const prefixes = new Set<string>()
    for (const [name, value] of Object.entries(env)) {
      // The operator may have set `_PORT` alone, for our variable of the same name.
      const prefix = /^(.*_)PORT(?:_\d+_(?:TCP|UDP|SCTP))?$/.exec(name)?.[1]
      if (prefix !== undefined && serviceAddress.test(value ?? '')) prefixes.add(prefix)
    }
    this.#prefixes = [...prefixes]
  }

  has(name: string): boolean {
    return this.#prefixes.some(prefix => {
      if (!name.startsWith(prefix)) return false
      const rest = name.slice(prefix.length)
      return linkNames.some(pattern => pattern.test(rest))
    })
  }
}

/** Returns the fault of one of our variables whose name a service occupies; `undefined` where none does. */
export function serviceLinkFault(name: string, text: string): string | undefined {
  if (!name.endsWith('_PORT') || !serviceAddress.test(text)) return undefined
  const service = name.slice(0, -'_PORT'.length).toLowerCase().replaceAll('_', '-')
  return (
    `Kubernetes sets this for the Service "${service}", or Docker for a link of that name; set ` +
    "enableServiceLinks: false in the pod's spec, or this variable to a port"
  )
}

/**
 * Returns a value without the additions of files, editors and shells: a byte order mark, line ends (also
 * those of Windows) and white space. A secret keeps its white space, which may be part of it.
 */
export function trimmed(text: string, isSecret: boolean): string {
  return isSecret ? text.replace(/^\uFEFF/, '').replace(/[\r\n]+$/, '') : text.trim()
}

/** Whether a value is in quotes, as `docker --env-file` passes on those of a file written for a shell. */
export function isQuoted(text: string): boolean {
  return /^(["']).*\1$/s.test(text)
}
