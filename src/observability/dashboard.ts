import { Duration, Stack, Token, aws_cloudwatch as cloudwatch, aws_logs as logs } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ERROR_LINES } from './logs';
import { ServiceMetrics } from './service-metrics';

/** What a dashboard shows. */
export interface DashboardContext {
  readonly metrics: ServiceMetrics;
  /** Alarms that are added to the list later are shown too. */
  readonly alarms: cloudwatch.IAlarm[];
  readonly logGroup: logs.ILogGroup;
  /** Whether the desired task count is available as a metric. */
  readonly hasContainerInsights: boolean;
  readonly url: string;
}

const MINUTE = Duration.minutes(1);
const WIDTH = 24;
const THIRD = { width: WIDTH / 3, height: 6 };
const COUNT_AXIS = { leftYAxis: { min: 0, label: 'count', showUnits: false } };
const SECONDS_AXIS = { leftYAxis: { min: 0, label: 'seconds', showUnits: false } };
const PERCENT_AXIS = { leftYAxis: { min: 0, max: 100, label: '%', showUnits: false } };

/**
 * Creates the dashboard, in the order in which an on-call engineer needs it: alarms, requests, tasks, error log lines.
 */
export function newDashboard(scope: Construct, context: DashboardContext): cloudwatch.Dashboard {
  const dashboard = new cloudwatch.Dashboard(scope, 'Dashboard', {
    defaultInterval: Duration.hours(3),
    periodOverride: cloudwatch.PeriodOverride.AUTO,
  });
  const { alarms, logGroup, url } = context;
  dashboard.addWidgets(text(`# ${scope.node.path}\n[${url}](${url})`));
  dashboard.addWidgets(new AlarmsWidget(alarms));
  dashboard.addWidgets(...requestGraphs(context));
  dashboard.addWidgets(...taskGraphs(context));
  dashboard.addWidgets(new cloudwatch.LogQueryWidget({
    title: 'Latest errors in the log',
    logGroupNames: [logGroup.logGroupName],
    queryString: ERROR_LINES.toString(),
    view: cloudwatch.LogQueryVisualizationType.TABLE,
    width: WIDTH,
    height: 8,
  }));
  dashboard.addWidgets(text(
    'This dashboard costs $3 a month, an alarm $0.10 a month for each metric that it uses, and the table of errors '
    + '$0.005 for each GB of logs that is scanned when the dashboard is opened (list prices of us-east-1, 2026-09). '
    + '`estimateMonthlyCost()` estimates the cost of the service.',
  ));
  return dashboard;
}

function requestGraphs({ metrics }: DashboardContext): cloudwatch.IWidget[] {
  const responseTimes = ['p50', 'p95', 'p99']
    .map((statistic) => metrics.responseTime({ period: MINUTE, statistic, label: statistic }));
  return [
    graph('Requests per minute', [metrics.requests({ period: MINUTE, label: 'requests' })], COUNT_AXIS),
    graph('Failed requests per minute', [
      metrics.serverErrors({
        period: MINUTE,
        label: metrics.targets ? '5xx responses of the tasks' : '5xx responses',
        color: cloudwatch.Color.RED,
      }),
      ...Object.values(metrics.unansweredRequestMetrics({ period: MINUTE })),
      metrics.clientErrors({ period: MINUTE, label: '4xx: client errors', color: cloudwatch.Color.GREY }),
    ], COUNT_AXIS),
    graph('Response time', responseTimes, SECONDS_AXIS),
  ];
}

function taskGraphs({ metrics, hasContainerInsights }: DashboardContext): cloudwatch.IWidget[] {
  const tasks: cloudwatch.IMetric[] = [];
  const healthy = metrics.healthyTasks({ period: MINUTE, statistic: 'Minimum', label: 'healthy' });
  if (healthy) { tasks.push(healthy); }
  tasks.push(metrics.runningTasks({ period: MINUTE, label: 'running' }));
  if (hasContainerInsights) {
    tasks.push(metrics.containerInsightsMetric('DesiredTaskCount', {
      period: MINUTE,
      statistic: 'Maximum',
      label: 'desired',
      color: cloudwatch.Color.GREY,
    }));
  }
  const statistics = ['Average', 'Maximum'].map((statistic) => ({ period: MINUTE, statistic, label: statistic }));
  return [
    graph('Tasks', tasks, COUNT_AXIS),
    graph('CPU', statistics.map((options) => metrics.cpuUtilization(options)), PERCENT_AXIS),
    graph('Memory', statistics.map((options) => metrics.memoryUtilization(options)), PERCENT_AXIS),
  ];
}

/** The URL of a dashboard in the console. */
export function dashboardUrl(dashboard: cloudwatch.Dashboard): string {
  const { region } = Stack.of(dashboard);
  return `https://${consoleHost(region)}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboard.dashboardName}`;
}

function consoleHost(region: string): string {
  if (!Token.isUnresolved(region) && region.startsWith('cn-')) { return 'console.amazonaws.cn'; }
  if (!Token.isUnresolved(region) && region.startsWith('us-gov-')) { return 'console.amazonaws-us-gov.com'; }
  return 'console.aws.amazon.com';
}

function text(markdown: string): cloudwatch.TextWidget {
  return new cloudwatch.TextWidget({
    markdown,
    width: WIDTH,
    height: 2,
    background: cloudwatch.TextWidgetBackground.TRANSPARENT,
  });
}

function graph(
  title: string, left: cloudwatch.IMetric[], axis: Partial<cloudwatch.GraphWidgetProps>,
): cloudwatch.GraphWidget {
  const legendPosition = cloudwatch.LegendPosition.BOTTOM;
  return new cloudwatch.GraphWidget({ title, left, legendPosition, ...THIRD, ...axis });
}

/** The state of all alarms, including those that are added later. CloudWatch rejects an alarm widget without alarms. */
class AlarmsWidget extends cloudwatch.AlarmStatusWidget {
  constructor(private readonly alarms: cloudwatch.IAlarm[]) {
    super({ title: 'Alarms', alarms, width: WIDTH, height: 2 });
  }

  public toJson(): ReturnType<cloudwatch.AlarmStatusWidget['toJson']> {
    return this.alarms.length > 0 ? super.toJson() : [];
  }
}
