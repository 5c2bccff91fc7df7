import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs'
import { ByteWriter } from '../../../../src/log/kafka/protocol/byte-writer.ts'
import type { KafkaRequest } from '../../../../src/log/kafka/protocol/kafka-request.ts'
import { KafkajsClient } from '../../../../src/log/kafka/connection/kafkajs-client.ts'
import { CertificateAuthority, type CertificateFiles } from '../../../support/certificates.ts'
import { type KafkaBroker, startKafka } from '../../../support/kafka.ts'
import { freePort } from '../../../support/port.ts'
import { withAdmin } from '../../../support/topics.ts'

/** How long brokers take an authentication for good. */
export const sessionMs = 3000
const iterations = 4096
const login = 'org.apache.kafka.common.security'

/** A broker that lets in, beside the tests themselves, only who is known, and to what they may do. */
export interface SecuredKafka {
  readonly broker: KafkaBroker
  /** `host:port` of the listener for SASL in TLS. */
  readonly sasl: string
  /** `host:port` of the listener for TLS with clients' certificates. */
  readonly mutual: string
  readonly authority: CertificateAuthority
  /** Another, that the broker does not know. */
  readonly stranger: CertificateAuthority
  /** Certificate of the user `CN=gateway`. */
  readonly client: CertificateFiles
  stop(): Promise<void>
}

/** Starts it; `passwords` are those of its users, by name, for PLAIN. */
export async function startSecuredKafka(passwords: Readonly<Record<string, string>>): Promise<SecuredKafka> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-certificates-'))
  const authority = await CertificateAuthority.create(folder, 'authority')
  const stranger = await CertificateAuthority.create(folder, 'stranger')
  const own = await authority.sign('localhost', 'DNS:localhost,IP:127.0.0.1')
  const client = await authority.sign('gateway')
  const ports = {
    plain: await freePort(),
    controller: await freePort(),
    sasl: await freePort(),
    mutual: await freePort(),
  }
  const properties = {
    ...listenerProperties(ports),
    ...tlsProperties(own, authority),
    ...saslProperties(passwords),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // Who comes through the plain listener: the broker itself and the tests' admin clients.
    'super.users': 'User:ANONYMOUS',
  }
  const broker = await startKafka({ port: ports.plain, properties })
  return {
    broker,
    sasl: `127.0.0.1:${ports.sasl}`,
    mutual: `127.0.0.1:${ports.mutual}`,
    authority,
    stranger,
    client,
    stop: async () => {
      await broker.stop()
      await rm(folder, { recursive: true })
    },
  }
}

function listenerProperties(ports: Record<'plain' | 'controller' | 'sasl' | 'mutual', number>) {
  const listeners = [
    `PLAINTEXT://127.0.0.1:${ports.plain}`,
    `CONTROLLER://127.0.0.1:${ports.controller}`,
    `SASL://127.0.0.1:${ports.sasl}`,
    `MUTUAL://127.0.0.1:${ports.mutual}`,
  ].join(',')
  return {
    listeners,
    'advertised.listeners': listeners,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${ports.controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL',
  }
}

function tlsProperties(own: CertificateFiles, authority: CertificateAuthority) {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': own.pairFile,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authority.certificateFile,
    'listener.name.mutual.ssl.client.auth': 'required',
  }
}

function saslProperties(passwords: Readonly<Record<string, string>>) {
  const users = Object.entries(passwords).map(([name, password]) => `user_${name}="${password}"`)
  const jaas = (module: string) => `${login}.${module} required`
  return {
    'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.sasl.connections.max.reauth.ms': sessionMs,
    'listener.name.sasl.plain.sasl.jaas.config': `${jaas('plain.PlainLoginModule')} ${users.join(' ')};`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': `${jaas('scram.ScramLoginModule')};`,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': `${jaas('scram.ScramLoginModule')};`,
    'listener.name.sasl.oauthbearer.sasl.jaas.config': `${jaas('oauthbearer.OAuthBearerLoginModule')} unsecuredLoginStringClaim_sub="broker";`,
  }
}

/** Gives a user a password for SCRAM-SHA-256 and SCRAM-SHA-512 (KIP-554); kafkajs has no request for that. */
export async function addScramUser(brokers: string, user: string, password: string): Promise<void> {
  const [host = '', port = ''] = brokers.split(':')
  const client = new KafkajsClient({ brokers: [brokers], clientId: 'test' })
  const connection = await client.connect({ host, port: Number(port) })
  // A request names a user once only.
  for (const digest of ['sha256', 'sha512'] as const) {
    const errorCodes = await connection.send(scramRequest(user, password, digest))
    if (errorCodes.some(code => code !== 0)) throw new Error(`${user}: error codes ${errorCodes.join(', ')}`)
  }
  connection.close()
}

function scramRequest(
  user: string,
  password: string,
  digest: 'sha256' | 'sha512',
): KafkaRequest<readonly number[]> {
  const [mechanism, bytes] = digest === 'sha256' ? [1, 32] : [2, 64]
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, bytes, digest)
  const body = new ByteWriter().compactArray([], () => undefined)
  body.compactArray([user], name => {
    body.compactString(name).int8(mechanism).int32(iterations)
    body.uvarint(salt.length + 1).raw(salt)
    body
      .uvarint(salted.length + 1)
      .raw(salted)
      .noTags()
  })
  return {
    apiKey: 51,
    apiVersion: 0,
    apiName: 'Metadata',
    body: body.noTags().bytes,
    readAnswer: reader =>
      reader.compactArray(result => {
        result.compactString()
        const errorCode = result.int16()
        result.compactString()
        result.skipTags()
        return errorCode
      }),
  }
}

/** Lets a user do something with every topic whose name begins so. */
export async function allow(
  brokers: string,
  { user, operation, prefix }: { user: string; operation: 'READ' | 'WRITE' | 'DESCRIBE'; prefix: string },
): Promise<void> {
  const acl = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: prefix,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: `User:${user}`,
    host: '*',
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
  }
  await withAdmin(brokers, admin => admin.createAcls({ acl: [acl] }))
}
