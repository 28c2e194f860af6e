import { Forbidden, isForbidden } from './covering-array';
import { Choice, DIMENSIONS } from './options';

/** Any value but `left`: the option is set. */
const SET = 'set';
/** The option is not set. */
const LEFT = ['left'];

/** Values of some options that cannot be combined. */
type Combination = { readonly [dimension in keyof Choice]?: readonly string[] | typeof SET };

/** Combinations of values that fail at synthesis with one error. */
export interface Conflict {
  /** The prop that the error names. */
  readonly prop: string;
  /** Part of the error message. */
  readonly message: RegExp;
  /** Whether the error is about the network: it hides the errors that are `afterNetwork`. */
  readonly isOfNetwork?: boolean;
  readonly afterNetwork?: boolean;
  readonly combinations: readonly Combination[];
}

const CREATED_VPC: Combination = { vpc: LEFT, cluster: LEFT };
const PUBLIC = ['left', 'http', 'narrow', 'https'];
const CLOUD_FRONT = ['cloudFront', 'cloudFrontDomain'];
const LOAD_BALANCER = [...PUBLIC, ...CLOUD_FRONT, 'internal', 'certificates', 'sharedListener'];

/** The combinations once with each way to get an existing VPC. */
const inExistingVpc = (combination: Combination): Combination[] =>
  [{ ...combination, vpc: SET }, { ...combination, cluster: SET }];

/** The combinations once with each way to get Spot capacity. */
const onSpot = (combination: Combination): Combination[] => [
  { ...combination, capacity: ['spot', 'spotOnly'] },
  { ...combination, capacity: LEFT, preset: ['development'] },
];

/** Conflicts between the VPC, its subnets and the outbound access. */
const NETWORK_CONFLICTS: Conflict[] = [
  { prop: 'maxAzs', message: /would be ignored/, isOfNetwork: true, combinations: inExistingVpc({ maxAzs: SET }) },
  {
    prop: 'availabilityZones',
    message: /would be ignored/,
    isOfNetwork: true,
    combinations: inExistingVpc({ availabilityZones: SET }),
  },
  {
    prop: 'maxAzs',
    message: /availabilityZones has/,
    isOfNetwork: true,
    combinations: [
      { ...CREATED_VPC, maxAzs: ['2'], availabilityZones: ['three'] },
      { ...CREATED_VPC, maxAzs: ['3'], availabilityZones: ['two'] },
    ],
  },
  { prop: 'flowLogs', message: /would be ignored/, isOfNetwork: true, combinations: inExistingVpc({ flowLogs: SET }) },
  {
    prop: 'egress',
    message: /has its own outbound access/,
    isOfNetwork: true,
    combinations: inExistingVpc({ egress: SET }),
  },
  {
    prop: 'vpcSubnets',
    message: /would be ignored/,
    isOfNetwork: true,
    combinations: [{ ...CREATED_VPC, vpcSubnets: SET }],
  },
  {
    prop: 'vpcSubnets',
    message: /cannot select/,
    isOfNetwork: true,
    combinations: [
      { vpcSubnets: ['public'], vpc: ['isolated'] },
      { vpcSubnets: ['isolated'], vpc: ['own', 'imported'] },
      { vpcSubnets: ['isolated'], vpc: LEFT, cluster: SET },
    ],
  },
  {
    prop: 'vpc',
    message: /the tasks need outbound access/,
    isOfNetwork: true,
    combinations: [{ vpcSubnets: LEFT, vpc: ['isolated'] }],
  },
  {
    prop: 'maxAzs',
    message: /CDK knows 2 Availability Zones/,
    isOfNetwork: true,
    combinations: [{ ...CREATED_VPC, maxAzs: ['3'], availabilityZones: LEFT, stack: ['anywhere'] }],
  },
  {
    prop: 'egress.count',
    message: /at most one for each Availability Zone/,
    isOfNetwork: true,
    combinations: [
      { maxAzs: ['2'] },
      { maxAzs: LEFT, availabilityZones: ['two'] },
      { maxAzs: LEFT, availabilityZones: LEFT, stack: ['anywhere'] },
      { maxAzs: LEFT, availabilityZones: LEFT, preset: ['left', 'development', 'standard'] },
    ].map((zones) => ({ ...CREATED_VPC, ...zones, egress: ['threeNatGateways'] })),
  },
  {
    prop: 'egress',
    message: /isolated subnets cannot reach the registry/,
    isOfNetwork: true,
    combinations: [{ ...CREATED_VPC, egress: ['vpcEndpoints'], image: ['registry'] }],
  },
  {
    prop: 'assignPublicIp',
    message: /a public address has no effect/,
    isOfNetwork: true,
    combinations: [
      { ...CREATED_VPC, assignPublicIp: ['on'], egress: ['natGateway', 'threeNatGateways', 'vpcEndpoints'] },
      { ...CREATED_VPC, assignPublicIp: ['on'], egress: LEFT, preset: ['production'] },
    ],
  },
  {
    prop: 'assignPublicIp',
    message: /no other outbound access/,
    isOfNetwork: true,
    combinations: [
      { ...CREATED_VPC, assignPublicIp: ['off'], egress: ['publicIp'] },
      { ...CREATED_VPC, assignPublicIp: ['off'], egress: LEFT, preset: ['left', 'development', 'standard'] },
    ],
  },
  {
    prop: 'containerInsights',
    message: /would be ignored/,
    isOfNetwork: true,
    combinations: [{ containerInsights: SET, cluster: SET }],
  },
];

const INGRESS_CONFLICTS: Conflict[] = [
  {
    prop: 'vpc',
    message: /the listener's load balancer/,
    afterNetwork: true,
    combinations: [{ ...CREATED_VPC, ingress: ['sharedListener'] }],
  },
  {
    prop: 'vpc',
    message: /needs public subnets in two Availability Zones/,
    afterNetwork: true,
    combinations: [{ ingress: PUBLIC, vpc: ['isolated'], vpcSubnets: ['isolated'] }],
  },
  {
    prop: 'vpc',
    message: /no internet gateway/,
    afterNetwork: true,
    combinations: [{ ingress: CLOUD_FRONT, vpc: ['isolated'] }],
  },
  {
    prop: 'ingress',
    message: /requires TLS/,
    combinations: [{ ingress: ['left', 'http', 'narrow'], preset: ['production'] }],
  },
  {
    prop: 'healthCheck',
    message: /no load balancer that would use it/,
    combinations: [{ ingress: ['httpApi'], healthCheck: SET }],
  },
  {
    prop: 'healthCheck.path',
    message: /the example app responds only to/,
    combinations: [{ image: LEFT, healthCheck: ['elsewhere'] }],
  },
  {
    prop: 'containerHealthCheck',
    message: /nothing else checks/,
    combinations: [{ ingress: ['httpApi'], image: SET, containerHealthCheck: LEFT }],
  },
];

const DEPLOYMENT_CONFLICTS: Conflict[] = [
  {
    prop: 'deployment',
    message: /no load balancer to shift traffic/,
    combinations: [{ ingress: ['httpApi'], deployment: ['prepared', 'blueGreen', 'canary', 'linear', 'tested'] }],
  },
  {
    prop: 'deployment.rollbackOnErrors',
    message: /no load balancer that counts errors/,
    combinations: [{ ingress: ['httpApi'], deployment: ['rolling'] }],
  },
  {
    prop: 'deployment.testTrafficHeader',
    message: /no listener of its own/,
    combinations: [{ ingress: ['sharedListener', 'httpApi'], deployment: ['tested'] }],
  },
  {
    prop: 'ingress.sessionStickiness',
    message: /two target groups/,
    combinations: [{
      ingress: ['narrow', 'internal'],
      deployment: ['prepared', 'blueGreen', 'canary', 'linear', 'tested'],
    }],
  },
  { prop: 'desiredCount', message: /with scaling/, combinations: [{ desiredCount: SET, scaling: SET }] },
  {
    prop: 'scaling.requestsPerTarget',
    message: /counts requests/,
    combinations: [{ ingress: ['httpApi'], scaling: ['all'] }],
  },
  {
    prop: 'capacity.onDemandBase',
    message: /none would use Spot/,
    combinations: [
      { capacity: ['spot'], scaling: LEFT, desiredCount: ['1'] },
      { capacity: ['spot'], scaling: LEFT, desiredCount: LEFT, preset: ['development'] },
    ],
  },
];

const TASK_CONFLICTS: Conflict[] = [
  {
    prop: 'memoryLimitMiB',
    message: /Fargate supports/,
    combinations: [
      { memoryLimitMiB: ['1024'], cpu: ['16384'] },
      { memoryLimitMiB: ['32768'], cpu: ['left', '512'] },
    ],
  },
  {
    prop: 'containerPort',
    message: /cannot listen below 1024/,
    combinations: [{ containerPort: ['80'], image: LEFT }],
  },
  { prop: 'user', message: /\/tmp of the example app belongs to/, combinations: [{ user: ['root'], image: LEFT }] },
  { prop: 'environment.PORT', message: /the construct sets it/, combinations: [{ environment: ['port'] }] },
  {
    prop: 'secrets.COLOR',
    message: /environment has that name too/,
    combinations: [{ environment: ['own'], secrets: ['color'] }],
  },
  {
    prop: 'readonlyRootFilesystem',
    message: /writes to the root filesystem/,
    combinations: [{ readonlyRootFilesystem: ['on'], enableExecuteCommand: ['on'] }],
  },
  {
    prop: 'stopTimeout',
    message: /the app must serve for \d+ s after SIGTERM/,
    combinations: [
      { stopTimeout: ['30'], ingress: ['httpApi'] },
      ...onSpot({ stopTimeout: ['30'], healthCheck: ['left', 'elsewhere', 'slow'] }),
      ...onSpot({ stopTimeout: ['120'], healthCheck: ['slow'], ingress: LOAD_BALANCER }),
    ],
  },
  {
    prop: 'healthCheck',
    message: /Fargate gives a task 120 s/,
    combinations: onSpot({ stopTimeout: LEFT, healthCheck: ['slow'], ingress: LOAD_BALANCER }),
  },
];

const OBSERVABILITY_CONFLICTS: Conflict[] = [
  {
    prop: 'logEncryptionKey',
    message: /encryptLogs is false/,
    combinations: [{ logEncryptionKey: SET, encryptLogs: ['off'] }],
  },
  {
    prop: 'alarms',
    message: /notify someone/,
    combinations: [{ preset: ['production'], alarms: ['left', 'lines', 'two'] }],
  },
  {
    prop: 'alarms.errorLogLines',
    message: /INFREQUENT_ACCESS/,
    combinations: [{ alarms: ['lines'], logGroupClass: ['infrequent'] }],
  },
  {
    prop: 'alarms.errorLogLines',
    message: /log lines are sent elsewhere/,
    combinations: [{ alarms: ['lines'], logDriver: SET }],
  },
  {
    prop: 'alarms.minHealthyTasks',
    message: /would trigger the alarm/,
    combinations: [
      { alarms: ['two'], scaling: ['steps', 'memory'] },
      { alarms: ['two'], desiredCount: ['0', '1'] },
      { alarms: ['two'], scaling: LEFT, desiredCount: LEFT, preset: ['development'] },
    ],
  },
];

/**
 * The combinations of the values in `options.ts` that fail at synthesis. They are declared as examples, without any of
 * the logic of the validation.
 */
export const CONFLICTS: readonly Conflict[] = [
  ...NETWORK_CONFLICTS,
  ...INGRESS_CONFLICTS,
  ...DEPLOYMENT_CONFLICTS,
  ...TASK_CONFLICTS,
  ...OBSERVABILITY_CONFLICTS,
];

/** The values that each combination of a conflict has in each of its dimensions. */
export function forbiddenBy({ combinations }: Conflict): Forbidden[] {
  return combinations.map((combination) => Object.fromEntries(Object.entries(combination).map(([dimension, values]) =>
    [dimension, values === SET ? DIMENSIONS[dimension].filter((value) => value !== 'left') : values])));
}

/** The conflicts of a choice. */
export function conflictsOf(choice: Choice): Conflict[] {
  return CONFLICTS.filter((conflict) => forbiddenBy(conflict).some((combination) => isForbidden(choice, combination)));
}
