import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CannotRun } from './cannot-run';

/** As the credentials provider of a container gets them. */
export interface Credentials {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  /** Empty for keys of a user, which need none. */
  readonly Token: string;
  readonly Expiration: string;
}

/** SDKs ask again before this time. */
const LIFETIME_MS = 60 * 60 * 1000;

/**
 * The credentials of a profile: those that the AWS CLI exports, which also knows roles and IAM Identity Center, or
 * without it the keys in the shared credentials file.
 *
 * @throws CannotRun if there are none
 */
export async function readCredentials(profile: string): Promise<Credentials> {
  const exported = await exportFromCli(profile);
  const { AccessKeyId, SecretAccessKey, SessionToken = '', Expiration } = exported ?? readSharedFile(profile) ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined) {
    throw new CannotRun(`profile ${profile} has no credentials: install the AWS CLI, which exports those of roles and`
      + ` of IAM Identity Center, or write aws_access_key_id and aws_secret_access_key to ${sharedFile()}`);
  }
  return {
    AccessKeyId,
    SecretAccessKey,
    Token: SessionToken,
    Expiration: Expiration ?? new Date(Date.now() + LIFETIME_MS).toISOString(),
  };
}

type Exported = Readonly<Partial<Record<'AccessKeyId' | 'SecretAccessKey' | 'SessionToken' | 'Expiration', string>>>;

/** @returns undefined without an AWS CLI that has the command */
async function exportFromCli(profile: string): Promise<Exported | undefined> {
  const args = ['configure', 'export-credentials', '--profile', profile, '--format', 'process'];
  return new Promise((resolve, reject) => {
    execFile('aws', args, { timeout: 60_000, env: process.env }, (error, stdout, stderr) => {
      const isMissing = (error as NodeJS.ErrnoException | null)?.code === 'ENOENT' || /invalid choice/i.test(stderr);
      if (isMissing) {
        resolve(undefined);
      } else if (error) {
        reject(new CannotRun(`the AWS CLI exports no credentials of profile ${profile}: ${stderr.trim()}`));
      } else {
        resolve(JSON.parse(stdout));
      }
    });
  });
}

function sharedFile(): string {
  return process.env.AWS_SHARED_CREDENTIALS_FILE ?? path.join(os.homedir(), '.aws', 'credentials');
}

function readSharedFile(profile: string): Exported | undefined {
  if (!fs.existsSync(sharedFile())) { return undefined; }
  const values = new Map<string, string>();
  let section = '';
  for (const line of fs.readFileSync(sharedFile(), 'utf8').split(/\r?\n/)) {
    section = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1] ?? section;
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section === profile && name !== undefined) { values.set(name, value); }
  }
  return {
    AccessKeyId: values.get('aws_access_key_id'),
    SecretAccessKey: values.get('aws_secret_access_key'),
    SessionToken: values.get('aws_session_token'),
  };
}
