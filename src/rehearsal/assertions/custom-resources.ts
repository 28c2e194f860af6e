import { randomUUID } from 'node:crypto';
import * as http from 'node:http';
import { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { CloudFormationResponse, LambdaFunction, RESPONSE_URL } from './lambda';
import { execute, StateMachineDefinition } from './state-machine';
import { Assembly, Stack } from '../templates/assembly';
import { KnownAttributes, Resolver, ResourceReference } from '../templates/intrinsics';
import { number, Properties, record, text } from '../templates/values';

/*
 * Emulates the parts of CloudFormation, Lambda and Step Functions that create the custom resources of a stack.
 */

export interface CustomResourceOptions {
  /** Attributes of resources that are emulated. */
  readonly known: KnownAttributes;
  /** By which the waiting times of state machines are divided. */
  readonly speedup: number;
  readonly interrupted: AbortSignal;
}

export class CustomResources {
  public readonly resolver: Resolver;
  private readonly functions = new Map<string, LambdaFunction>();
  private readonly pending = new Map<string, (response: CloudFormationResponse) => void>();
  /** Attributes of the resources that were created, by logical ID. */
  private readonly data = new Map<string, CloudFormationResponse['Data']>();
  private readonly stepFunctions: http.Server;
  /** Ends waiters that are still running when their resource is created. */
  private readonly closed = new AbortController();

  constructor(assembly: Assembly, private readonly stack: Stack, private readonly options: CustomResourceOptions) {
    options.interrupted.addEventListener('abort', () => this.closed.abort(), { once: true });
    this.resolver = new Resolver(assembly, (reference) => this.attribute(reference) ?? options.known(reference));
    this.stepFunctions = http.createServer((request, response) => this.startExecution(request, response));
  }

  /** What the functions have printed since the creation of the last resource began. */
  public get output(): string {
    return [...this.functions.values()].map(({ output }) => output).join('\n');
  }

  public async start(): Promise<void> {
    await new Promise<void>((resolve) => this.stepFunctions.listen(0, '127.0.0.1', resolve));
  }

  public close(): void {
    this.closed.abort();
    this.stepFunctions.close();
    this.stepFunctions.closeAllConnections();
    this.functions.forEach((lambdaFunction) => lambdaFunction.close());
  }

  /** @param properties with their intrinsic functions resolved */
  public async create(logicalId: string, type: string, properties: Properties): Promise<CloudFormationResponse> {
    this.functions.forEach((lambdaFunction) => { lambdaFunction.output = ''; });
    const requestId = randomUUID();
    const responded = new Promise<CloudFormationResponse>((resolve) => this.pending.set(requestId, resolve));
    const serviceToken = text(properties.ServiceToken, '');
    try {
      await this.invoke(serviceToken, {
        RequestType: 'Create',
        RequestId: requestId,
        StackId: arnOf('cloudformation', this.stack.name),
        LogicalResourceId: logicalId,
        ResourceType: type,
        ServiceToken: serviceToken,
        ResponseURL: RESPONSE_URL,
        ResourceProperties: withStrings(properties),
      });
    } catch (error) {
      return { Status: 'FAILED', Reason: (error as Error).message, RequestId: requestId };
    }
    const response = await responded;
    this.data.set(logicalId, response.Data);
    return response;
  }

  /** ARNs of functions and state machines, and attributes of the custom resources. */
  private attribute({ stack, logicalId, attribute }: ResourceReference): unknown {
    if (stack !== this.stack) { return undefined; }
    switch (stack.template.Resources?.[logicalId]?.Type) {
      case 'AWS::Lambda::Function':
        return attribute === 'Arn' ? arnOf('lambda', logicalId) : undefined;
      case 'AWS::StepFunctions::StateMachine':
        return attribute === undefined || attribute === 'Arn' ? arnOf('states', logicalId) : undefined;
      default:
        return attribute === undefined ? undefined : this.data.get(logicalId)?.[attribute];
    }
  }

  /** Invokes a Lambda function of the stack. */
  private async invoke(arn: string, event: unknown): Promise<unknown> {
    const properties = this.resolver.properties({ stack: this.stack, logicalId: logicalIdIn(arn) });
    const [module, handler] = text(properties.Handler, '').split('.');
    const directory = this.stack.fileAsset(text(record(properties.Code).S3Key, '')) ?? '';
    const lambdaFunction = this.functionIn(path.join(directory, `${module}.js`));
    return lambdaFunction.invoke(handler, event, number(properties.Timeout, 3));
  }

  private functionIn(file: string): LambdaFunction {
    const existing = this.functions.get(file);
    if (existing) { return existing; }
    const lambdaFunction = new LambdaFunction(file, {
      PATH: process.env.PATH,
      AWS_REGION: 'us-east-1',
      // The SDK requires credentials; these are not valid anywhere.
      AWS_ACCESS_KEY_ID: 'rehearsal',
      AWS_SECRET_ACCESS_KEY: 'rehearsal',
      AWS_ENDPOINT_URL_SFN: `http://127.0.0.1:${(this.stepFunctions.address() as AddressInfo).port}`,
    }, (response) => this.pending.get(response.RequestId)?.(response));
    this.functions.set(file, lambdaFunction);
    return lambdaFunction;
  }

  /** StartExecution of Step Functions: responds at once and executes the state machine. */
  private startExecution(request: http.IncomingMessage, response: http.ServerResponse): void {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => { body += chunk; }).on('end', () => {
      const { stateMachineArn, input, name } = JSON.parse(body) as Record<string, string>;
      const stateMachine = { stack: this.stack, logicalId: logicalIdIn(stateMachineArn) };
      const definitionString = text(this.resolver.properties(stateMachine).DefinitionString, '');
      const definition = JSON.parse(definitionString) as StateMachineDefinition;
      void execute(definition, JSON.parse(input), {
        invoke: async (resource, data) => this.invoke(resource, data),
        speedup: this.options.speedup,
        interrupted: this.closed.signal,
      })
        .then(() => 'the state machine ended without a response', (error: Error) => error.message)
        // Only the first response has an effect, so this one does not replace that of a function.
        .then((reason) => this.pending.get(name)?.({ Status: 'FAILED', Reason: reason, RequestId: name }));
      response.setHeader('Content-Type', 'application/x-amz-json-1.0');
      response.end(JSON.stringify({ executionArn: `${stateMachineArn}:${name}`, startDate: Date.now() / 1000 }));
    });
  }
}

function arnOf(service: string, name: string): string {
  return `arn:aws:${service}:us-east-1:123456789012:${name}`;
}

function logicalIdIn(arn: string): string {
  return arn.split(':').at(-1)!;
}

/** CloudFormation passes every scalar to a custom resource as a string. */
function withStrings(value: unknown): unknown {
  if (Array.isArray(value)) { return value.map(withStrings); }
  if (value === null || typeof value !== 'object') { return String(value); }
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, withStrings(element)]));
}
