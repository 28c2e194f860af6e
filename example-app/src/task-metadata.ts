import { get } from 'node:http';

/** What may be shown of the ECS task: no ARN, account, image, address or host name. */
export interface TaskMetadata {
  /** The first characters of the task id: enough to tell two tasks apart and to find one in the console. */
  readonly id?: string;
  readonly family?: string;
  readonly revision?: string;
  readonly zone?: string;
  readonly launchType?: string;
  readonly cpu?: number;
  readonly memoryMiB?: number;
}

const TIMEOUT_MS = 1_000;
const MAX_CHARACTERS = 256 * 1024;

/**
 * Asks the ECS agent once who this task is. `fetch` would do the same and cost 20 MB.
 *
 * @param baseUrl the value of ECS_CONTAINER_METADATA_URI_V4, which ECS sets in every container
 */
export async function readTaskMetadata(baseUrl: string): Promise<TaskMetadata> {
  const task = JSON.parse(await getText(`${baseUrl}/task`));
  const text = (value: unknown) => typeof value === 'string' && value !== '' ? value : undefined;
  const number = (value: unknown) => typeof value === 'number' ? value : undefined;
  return {
    id: text(task.TaskARN)?.split('/').pop()?.slice(0, 8),
    family: text(task.Family),
    revision: text(task.Revision),
    zone: text(task.AvailabilityZone),
    launchType: text(task.LaunchType),
    cpu: number(task.Limits?.CPU),
    memoryMiB: number(task.Limits?.Memory),
  };
}

function getText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (part: string) => {
        body += part;
        if (body.length > MAX_CHARACTERS) request.destroy(new Error('the answer is too large'));
      });
      response.on('end', () => response.statusCode === 200 ? resolve(body) : reject(new Error(`status ${response.statusCode}`)));
    });
    request.on('error', reject);
  });
}
