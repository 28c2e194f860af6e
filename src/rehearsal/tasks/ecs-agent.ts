import { randomBytes } from 'node:crypto';
import * as http from 'node:http';
import { AddressInfo } from 'node:net';
import { Environment } from './environment';
import { Credentials } from '../credentials';
import { ServiceSpec } from '../model';

/*
 * What the ECS agent answers to the containers of a task: its metadata, and the credentials of its role if the user
 * gives them. It listens on the loopback interface.
 *
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */

/** A task has no ARN here, but apps parse it. */
const ACCOUNT = '123456789012';
const CLUSTER = 'rehearsal';

export class EcsAgent {
  /** @param credentials of the task role; by default it has none */
  public static async start(credentials?: () => Promise<Credentials>): Promise<EcsAgent> {
    const agent = new EcsAgent(credentials);
    await new Promise<void>((resolve, reject) => {
      // It does not keep the process alive.
      agent.server.on('error', reject).listen(0, '127.0.0.1', resolve).unref();
    });
    return agent;
  }

  private readonly server = http.createServer((request, response) => {
    void this.answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  private readonly documents = new Map<string, object>();
  /** Other programs of this machine do not know it. */
  private readonly token = randomBytes(32).toString('hex');
  private started = 0;

  private constructor(private readonly credentials?: () => Promise<Credentials>) {}

  /** @returns the variables that ECS adds to the container, and a function that forgets the task */
  public register(service: ServiceSpec): { readonly environment: Environment; readonly remove: () => void } {
    const url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    const path = `/v4/${randomBytes(16).toString('hex')}`;
    const { container, task } = metadataOf(service, this.started++);
    this.documents.set(path, container).set(`${path}/task`, task);
    return {
      environment: {
        ECS_CONTAINER_METADATA_URI_V4: url + path,
        ...this.credentials && {
          AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/credentials`,
          AWS_CONTAINER_AUTHORIZATION_TOKEN: this.token,
        },
      },
      remove: () => {
        this.documents.delete(path);
        this.documents.delete(`${path}/task`);
      },
    };
  }

  public close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer({ url = '', headers }: http.IncomingMessage): Promise<{ status: number; body: object }> {
    const document = this.documents.get(url);
    if (document) { return { status: 200, body: document }; }
    if (url !== '/credentials' || !this.credentials) { return { status: 404, body: { message: 'not found' } }; }
    if (headers.authorization !== this.token) { return { status: 401, body: { message: 'not authorized' } }; }
    try {
      return { status: 200, body: await this.credentials() };
    } catch (error) {
      return { status: 500, body: { message: (error as Error).message } };
    }
  }
}

function metadataOf(service: ServiceSpec, number: number): { readonly container: object; readonly task: object } {
  const id = randomBytes(16).toString('hex');
  const arn = (kind: string) => `arn:aws:ecs:${service.region}:${ACCOUNT}:${kind}/${CLUSTER}/${id}`;
  const now = new Date().toISOString();
  const status = { DesiredStatus: 'RUNNING', KnownStatus: 'RUNNING' };
  const container = {
    DockerId: `${id}-${randomBytes(5).readUIntBE(0, 5)}`,
    Name: service.container.name,
    DockerName: service.container.name,
    Image: service.container.image,
    Labels: {
      'com.amazonaws.ecs.cluster': CLUSTER,
      'com.amazonaws.ecs.container-name': service.container.name,
      'com.amazonaws.ecs.task-arn': arn('task'),
      'com.amazonaws.ecs.task-definition-family': service.family,
      'com.amazonaws.ecs.task-definition-version': '1',
    },
    ...status,
    Limits: { CPU: service.container.cpuShares ?? 2 },
    CreatedAt: now,
    StartedAt: now,
    Type: 'NORMAL',
    ContainerARN: `${arn('container')}/${randomBytes(16).toString('hex')}`,
  };
  return {
    container,
    task: {
      Cluster: CLUSTER,
      TaskARN: arn('task'),
      Family: service.family,
      Revision: '1',
      ...status,
      Limits: { CPU: Number(service.cpu) / 1024, Memory: Number(service.memoryMiB) },
      PullStartedAt: now,
      PullStoppedAt: now,
      // ECS spreads tasks over the Availability Zones.
      AvailabilityZone: service.region + 'ab'[number % 2],
      LaunchType: 'FARGATE',
      Containers: [container],
    },
  };
}
