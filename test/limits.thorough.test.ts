import { App, Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { combinations } from './support/combinations';
import { Alarms, Deployment, HelloFargateService } from '../src/index';

/** A property, its limit, and the page that documents it. */
interface Limit {
  readonly max: number;
  /** @default - any character */
  readonly pattern?: RegExp;
  readonly source: string;
}

const CFN = 'https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference';
const EC2_DESCRIPTION = { max: 255, pattern: /^[a-zA-Z0-9. _\-:/()#,@[\]+=&;{}!$*]*$/ };
const RULES = 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html';

/** Texts that the construct derives from a path or a name. */
const LIMITS: Readonly<Record<string, Limit>> = {
  'AWS::ApiGatewayV2::Api.Name': {
    max: 128, source: 'https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html',
  },
  'AWS::ApiGatewayV2::Api.Description': {
    max: 1024, source: 'https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html',
  },
  'AWS::ApiGatewayV2::VpcLink.Name': {
    max: 128, source: 'https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/vpclinks.html',
  },
  'AWS::ApplicationAutoScaling::ScalingPolicy.PolicyName': {
    max: 256,
    pattern: /^[\x20-\x7e]+$/,
    source: 'https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html',
  },
  'AWS::ApplicationAutoScaling::ScalableTarget.ScheduledActions.ScheduledActionName': {
    max: 256, source: 'https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html',
  },
  'AWS::CloudFront::Distribution.DistributionConfig.Comment': {
    max: 128, source: 'https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html',
  },
  'AWS::CloudFront::VpcOrigin.VpcOriginEndpointConfig.Name': {
    max: 64,
    pattern: /^[\x20-\x7e]+$/,
    source: 'https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_VpcOriginEndpointConfig.html',
  },
  'AWS::CloudWatch::Alarm.AlarmDescription': {
    max: 1024, source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html',
  },
  'AWS::CloudWatch::Dashboard.DashboardName': {
    max: 255,
    pattern: /^[A-Za-z0-9_-]+$/,
    source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html',
  },
  'AWS::EC2::SecurityGroup.GroupDescription': {
    ...EC2_DESCRIPTION, source: `${CFN}/aws-resource-ec2-securitygroup.html`,
  },
  'AWS::EC2::SecurityGroup.SecurityGroupIngress.Description': { ...EC2_DESCRIPTION, source: RULES },
  'AWS::EC2::SecurityGroup.SecurityGroupEgress.Description': { ...EC2_DESCRIPTION, source: RULES },
  'AWS::EC2::SecurityGroupIngress.Description': { ...EC2_DESCRIPTION, source: RULES },
  'AWS::EC2::SecurityGroupEgress.Description': { ...EC2_DESCRIPTION, source: RULES },
  'AWS::ECS::TaskDefinition.Family': {
    max: 255,
    pattern: /^[A-Za-z0-9_-]+$/,
    source: 'https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html',
  },
  'AWS::Events::Rule.Description': {
    max: 512, source: 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html',
  },
  'AWS::IAM::ManagedPolicy.Description': {
    max: 1000, source: 'https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html',
  },
  'AWS::IAM::Role.Description': {
    max: 1000,
    pattern: /^[\t\n\r\x20-\x7e\u00a1-\u00ff]*$/,
    source: 'https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html',
  },
  'AWS::KMS::Key.Description': {
    max: 8192, source: 'https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html',
  },
  'AWS::Lambda::Function.Description': {
    max: 256, source: 'https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html',
  },
  'AWS::Logs::QueryDefinition.Name': {
    max: 255,
    source: 'https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html',
  },
  'AWS::ServiceDiscovery::PrivateDnsNamespace.Name': {
    max: 253,
    pattern: /^[!-~]{1,253}$/,
    source: 'https://docs.aws.amazon.com/cloud-map/latest/api/API_CreatePrivateDnsNamespace.html',
  },
  'AWS::Logs::MetricFilter.MetricTransformations.MetricName': {
    max: 255,
    pattern: /^[^:*$]*$/,
    source: 'https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html',
  },
  'AWS::CloudWatch::Alarm.MetricName': {
    max: 255, source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html',
  },
  'AWS::Events::Rule.Targets.InputTransformer.InputTemplate': {
    max: 8192, source: 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html',
  },
  // The limit of the whole template applies to this one.
  'AWS::CloudWatch::Dashboard.DashboardBody': {
    max: Infinity, source: `${CFN}/aws-resource-cloudwatch-dashboard.html`,
  },
};

/** Outputs: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html */
const MAX_OUTPUT_DESCRIPTION_BYTES = 1024;

/** Tags: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html */
const TAG: Limit = { max: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u, source: 'the page above' };

/** The literal part of a text of CloudFormation. */
function literal(value: any): string | undefined {
  if (typeof value === 'string') { return value; }
  const [, parts] = value?.['Fn::Join'] ?? [];
  return parts?.map((part: unknown) => typeof part === 'string' ? part : 'x'.repeat(20)).join('');
}

/** All texts with their paths, without indexes of lists. */
function texts(value: any, path: string): Array<[string, string]> {
  const text = literal(value);
  if (text !== undefined) { return [[path, text]]; }
  if (Array.isArray(value)) { return value.flatMap((item) => texts(item, path)); }
  return Object.entries(value ?? {}).flatMap(([key, item]) => texts(item, `${path}.${key}`));
}

/** 200 characters, some of which are in few character sets. */
const ID = `Überprüfung'"<:*$${'文'.repeat(60)}${'é'.repeat(60)}${'x'.repeat(62)}`.padEnd(200, 'y').slice(0, 200);

function faultsOf(stack: Stack): string[] {
  const { Resources, Outputs = {} } = Template.fromStack(stack).toJSON() as Record<string, Record<string, any>>;
  const faults = Object.values(Resources).flatMap(({ Type, Properties = {} }) => {
    const { Tags: tags, ...others } = Properties;
    const ofTags = (Array.isArray(tags) ? tags : []).flatMap(({ Value }) => {
      const text = literal(Value) ?? '';
      return text.length > TAG.max || !TAG.pattern!.test(text) ? [`${Type}.Tags: ${text}`] : [];
    });
    return [...ofTags, ...texts(others, Type).flatMap(([path, text]) => {
      const limit = LIMITS[path];
      if (!limit) {
        // A text from the path that the table does not know could exceed a limit that nobody looked up.
        return /文|éé|yy/.test(text) || /(Description|Comment)$/.test(path) ? [`${path} has no limit in the table`] : [];
      }
      return text.length > limit.max || limit.pattern && !limit.pattern.test(text)
        ? [`${path}: ${text.length} of ${limit.max} characters: ${text.slice(0, 60)}`] : [];
    })];
  });
  const ofOutputs = Object.values(Outputs).filter(({ Description = '' }) =>
    Buffer.byteLength(Description) > MAX_OUTPUT_DESCRIPTION_BYTES);
  return [...faults, ...ofOutputs.map(({ Description }) => `output: ${Description.length}`)];
}

test('texts from a path of 200 non-ASCII characters stay within the limits of AWS, in all combinations', () => {
  const faults = combinations(ID).filter(({ error }) => !error).flatMap((combination) =>
    faultsOf(combination.addStack(new App({ treeMetadata: false }))));
  expect([...new Set(faults)]).toEqual([]);
}, 300_000);

test('so do those of everything that can be added', () => {
  const app = new App({ treeMetadata: false });
  const stack = new Stack(new Stage(app, 'Stage'), 'Stack');
  const image = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');
  const other = new HelloFargateService(stack, 'Other', { image });
  const hello = new HelloFargateService(stack, ID, {
    image,
    alarms: Alarms.recommended({ emails: ['on-call@example.com'], errorLogLines: 1 }),
    dashboard: true,
    deployment: Deployment.canary(),
    enableExecuteCommand: true,
    encryptLogs: true,
    logServiceEvents: true,
    scaling: { minCapacity: 2, maxCapacity: 4, requestsPerTarget: 100 },
  });
  hello.connectTo(other, { port: 8080 });
  expect([...new Set(faultsOf(stack))]).toEqual([]);
});
