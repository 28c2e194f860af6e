import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Alarms, Deployment, HelloFargateService, HelloFargateServiceProps, Ingress, Preset } from '../../src/index';
import { evaluate } from '../support/cloudwatch';
import { dashboardErrors } from '../support/dashboard-schema';
import { NOTIFIED, sharedListenerProps } from '../support/fixtures';
import { newStack, only, templateOf } from '../support/synth';

type Props = (stack: Stack) => HelloFargateServiceProps;

const INGRESS_TYPES: { [kind: string]: Props } = {
  'a load balancer': () => ({}),
  'two target groups': () => ({ deployment: Deployment.canary() }),
  'CloudFront': () => ({ ingress: Ingress.cloudFront() }),
  'a shared listener': (stack) => sharedListenerProps(stack),
  'an HTTP API': () => ({ ingress: Ingress.httpApi() }),
  'Container Insights': () => ({ containerInsights: ecs.ContainerInsights.ENABLED }),
  'an HTTP API without alarms': () => ({ ingress: Ingress.httpApi(), alarms: Alarms.none() }),
};

/** Text with references in the form `${id.attribute}`. */
function text(value: any): string {
  if (typeof value === 'string') {
    return value;
  }
  if (value['Fn::Join']) {
    return value['Fn::Join'][1].map(text).join('');
  }
  return `\${${value.Ref ?? value['Fn::GetAtt'].join('.')}}`;
}

/** The body of the only dashboard, with references in the form `${id.attribute}`. */
function bodyOf(template: Template): any {
  return JSON.parse(text(only(template, 'AWS::CloudWatch::Dashboard').DashboardBody));
}

function bodyWith(props: Props, stack = newStack()): any {
  return bodyOf(templateOf({ dashboard: true, alarms: Alarms.recommended(), ...props(stack) }, stack));
}

const widgetOf = (body: any, wanted: string) => body.widgets.find(({ type }: any) => type === wanted);
const graphOf = (body: any) => widgetOf(body, 'metric');

/** The metrics of a widget, with "..." and "." expanded, and its expressions. */
function metricsOf(widget: any): { metrics: { name: string[]; rendering: any }[]; expressions: any[] } {
  const metrics = new Array<{ name: string[]; rendering: any }>();
  const expressions = new Array<any>();
  let previous = new Array<string>();
  for (const line of widget.properties.metrics as any[][]) {
    const rendering = typeof line[line.length - 1] === 'object' ? line[line.length - 1] : {};
    const parts = line.filter((part) => typeof part === 'string');
    if (parts.length === 0) {
      expressions.push(rendering);
    } else {
      const short =
        parts[0] === '...' ? [...previous.slice(0, previous.length - parts.length + 1), ...parts.slice(1)] : parts;
      previous = short.map((part, i) => (part === '.' ? previous[i] : part));
      metrics.push({ name: previous, rendering });
    }
  }
  return { metrics, expressions };
}

/** The dimensions of the metrics that a dashboard can have. */
const KNOWN: { [metric: string]: string[] } = {
  ...Object.fromEntries(
    [
      'RequestCount',
      'HTTPCode_Target_4XX_Count',
      'HTTPCode_Target_5XX_Count',
      'TargetResponseTime',
      'HealthyHostCount',
    ].map((name) => [`AWS/ApplicationELB ${name}`, ['LoadBalancer', 'TargetGroup']]),
  ),
  ...Object.fromEntries(
    ['HTTPCode_ELB_502_Count', 'HTTPCode_ELB_504_Count'].map((name) => [
      `AWS/ApplicationELB ${name}`,
      ['LoadBalancer'],
    ]),
  ),
  ...Object.fromEntries(
    ['CPUUtilization', 'MemoryUtilization'].map((name) => [`AWS/ECS ${name}`, ['ClusterName', 'ServiceName']]),
  ),
  ...Object.fromEntries(
    ['Count', '4xx', '5xx', 'IntegrationLatency'].map((name) => [`AWS/ApiGateway ${name}`, ['ApiId']]),
  ),
  'ECS/ContainerInsights DesiredTaskCount': ['ClusterName', 'ServiceName'],
};

describe.each(Object.entries(INGRESS_TYPES))('with %s', (kind, props) => {
  test('the body is valid, with no property that CloudWatch does not document', () => {
    expect(dashboardErrors(bodyWith(props))).toEqual([]);
  });

  test('widgets do not overlap', () => {
    const taken = new Set<string>();
    for (const { x, y, width, height } of bodyWith(props).widgets) {
      expect(x + width).toBeLessThanOrEqual(24);
      for (let i = x; i < x + width; i += 1) {
        for (let j = y; j < y + height; j += 1) {
          expect(taken.has(`${i} ${j}`)).toBe(false);
          taken.add(`${i} ${j}`);
        }
      }
    }
  });

  test('each metric is reported by AWS for a resource in the template', () => {
    const stack = newStack();
    const template = templateOf({ dashboard: true, alarms: Alarms.recommended(), ...props(stack) }, stack);
    const ids = Object.keys(template.toJSON().Resources);
    const read = new Set<string>();

    for (const widget of bodyOf(template).widgets.filter(({ type }: any) => type === 'metric')) {
      const { metrics, expressions } = metricsOf(widget);
      const byId: { [id: string]: number[] } = {};
      for (const {
        name: [namespace, metricName, ...dimensions],
        rendering,
      } of metrics) {
        const metric = `${namespace} ${metricName}`;
        read.add(metric);
        if (rendering.id) {
          byId[rendering.id] = [1];
        }
        expect(KNOWN[metric]).toEqual(dimensions.filter((_, i) => i % 2 === 0));
        for (const value of dimensions.filter((_, i) => i % 2 === 1)) {
          const reference = /^\$\{(\w+)/.exec(value)?.[1];
          expect(reference ? ids : ['app/shared/0123456789abcdef']).toContain(reference ?? value);
        }
      }
      for (const expression of expressions) {
        expect(() => evaluate(expression.expression, byId)).not.toThrow();
      }
    }
    const isApi = /API/.test(kind);
    expect([...read].some((metric) => /ApplicationELB/.test(metric))).toBe(!isApi);
    expect([...read].some((metric) => /ApiGateway/.test(metric))).toBe(isApi);
    expect([...read].some((metric) => /HTTPCode_ELB/.test(metric))).toBe(!isApi && kind !== 'a shared listener');
    expect(read.has('ECS/ContainerInsights DesiredTaskCount')).toBe(kind === 'Container Insights');
  });
});

test.each<[string, (body: any) => void]>([
  ['an unknown property of the body', (body) => { body.tags = {}; }],
  ['an unknown widget type', (body) => { body.widgets[0].type = 'txt'; }],
  ['an unknown property of a widget', (body) => { body.widgets[0].depth = 1; }],
  ['a column beyond the grid', (body) => { body.widgets[0].x = 24; }],
  ['a misspelled property of a graph', (body) => { graphOf(body).properties.titel = 'Requests'; }],
  ['a graph without a Region', (body) => { delete graphOf(body).properties.region; }],
  ['a graph without metrics', (body) => { graphOf(body).properties.metrics = []; }],
  ['a misspelled property of an axis', (body) => { graphOf(body).properties.yAxis.left.minimum = 0; }],
  ['a misspelled property of a metric', (body) => { graphOf(body).properties.metrics[0].at(-1).colour = '#ff0000'; }],
  ['a metric without a name', (body) => { graphOf(body).properties.metrics = [['AWS/ECS']]; }],
  ['a period of 90 seconds', (body) => { graphOf(body).properties.period = 90; }],
  ['an alarm widget without alarms', (body) => { widgetOf(body, 'alarm').properties.alarms = []; }],
  ['a log widget without a query', (body) => { delete widgetOf(body, 'log').properties.query; }],
])('the schema rejects %s', (_fault, breakBody) => {
  const body = bodyWith(() => ({}));
  expect(dashboardErrors(body)).toEqual([]);

  breakBody(body);

  expect(dashboardErrors(body)).not.toEqual([]);
});

test('shows widgets in the order in which an on-call engineer needs them', () => {
  const titles = bodyWith(() => ({}))
    .widgets.sort((a: any, b: any) => a.y - b.y || a.x - b.x)
    .map(({ properties: { title, markdown } }: any) => title ?? markdown.split('\n')[0].slice(0, 20));

  expect(titles).toEqual([
    '# Stack/Hello',
    'Alarms',
    'Requests per minute',
    'Failed requests per minute',
    'Response time',
    'Tasks',
    'CPU',
    'Memory',
    'Latest errors in the log',
    'This dashboard costs',
  ]);
  const graphs = bodyWith(() => ({})).widgets.filter(({ type }: any) => type === 'metric');
  expect(graphs.map(({ x }: any) => x)).toEqual([0, 8, 16, 0, 8, 16]);
  expect(new Set(graphs.map(({ y }: any) => y)).size).toBe(2);
});

test('shows the state of all alarms, including those that are added later', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', { dashboard: true, alarms: Alarms.recommended() });
  hello.addAlarm(hello.metricCpuUtilization().createAlarm(stack, 'Mine', { threshold: 1, evaluationPeriods: 1 }));
  const { alarms } = bodyOf(Template.fromStack(stack)).widgets.find(({ type }: any) => type === 'alarm').properties;

  expect(alarms.map((arn: string) => arn.replace(/[0-9A-F]{8}\.Arn\}$/, ''))).toEqual([
    '${HelloAlarmsNoHealthyTask',
    '${HelloAlarmsErrorRate',
    '${HelloAlarmsHighCpu',
    '${HelloAlarmsHighMemory',
    '${Mine',
  ]);
});

test('has no alarm widget if there are no alarms', () => {
  const types = (props: HelloFargateServiceProps) => bodyWith(() => props).widgets.map(({ type }: any) => type);

  expect(types({})).toContain('alarm');
  expect(types({ alarms: Alarms.none() })).not.toContain('alarm');
});

test('shows both target groups', () => {
  const { widgets } = bodyWith(INGRESS_TYPES['two target groups']);
  const requests = widgets.find(({ properties: { title } }: any) => title === 'Requests per minute');

  expect(metricsOf(requests).metrics.map(({ name }) => name.join())).toEqual([
    expect.stringContaining('InternetFacingTargetGroup'),
    expect.stringContaining('InternetFacingAlternateTargetGroup'),
  ]);
});

describe('the dashboard', () => {
  test('is disabled by default, and enabled with PRODUCTION', () => {
    templateOf().resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    templateOf({ dashboard: true }).resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    const production = { preset: Preset.PRODUCTION, ingress: Ingress.cloudFront(), alarms: NOTIFIED };
    templateOf(production).resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    templateOf({ ...production, dashboard: false }).resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });

  test('has its URL in an attribute and an output, which outputUrl disables', () => {
    const outputs = (props: HelloFargateServiceProps) =>
      Object.keys(templateOf(props).toJSON().Outputs ?? {}).filter((id) => /Dashboard/.test(id));

    expect(new HelloFargateService(newStack(), 'Hello').dashboardUrl).toBeUndefined();
    expect(outputs({})).toEqual([]);
    expect(outputs({ dashboard: true })).toHaveLength(1);
    expect(outputs({ dashboard: true, outputUrl: false })).toEqual([]);
  });

  test.each([
    ['eu-central-1', 'https://console.aws.amazon.com/'],
    ['cn-north-1', 'https://console.amazonaws.cn/'],
    ['us-gov-west-1', 'https://console.amazonaws-us-gov.com/'],
  ])('has a URL in %s in the console of the partition', (region, console) => {
    const stack = newStack({ env: { account: '123456789012', region } });
    const { dashboardUrl } = new HelloFargateService(stack, 'Hello', { dashboard: true });
    const [id] = Object.keys(Template.fromStack(stack).findResources('AWS::CloudWatch::Dashboard'));

    expect(text(stack.resolve(dashboardUrl))).toBe(
      `${console}cloudwatch/home?region=${region}#dashboards/dashboard/\${${id}}`,
    );
  });
});
