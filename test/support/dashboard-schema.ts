import Ajv2020, { ErrorObject, Schema } from 'ajv/dist/2020';

/**
 * The body of a CloudWatch dashboard, with the widgets and properties that AWS documents. The references in it have the
 * form `${id.attribute}`.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 */

const STRING = { type: 'string', minLength: 1 };
const BOOLEAN = { type: 'boolean' };
const NUMBER = { type: 'number' };
const ACCOUNT_ID = { type: 'string', pattern: '^\\d{12}$' };
const COLOR = { type: 'string', pattern: '^#[0-9a-fA-F]{6}$' };
/** Seconds. Periods below a minute are for high-resolution metrics only, which AWS services do not report. */
const PERIOD = { type: 'integer', minimum: 60, multipleOf: 60 };
const STATISTIC = { type: 'string', pattern: '^(Sum|Average|Minimum|Maximum|SampleCount|p\\d{1,2}(\\.\\d+)?)$' };
/** Relative to the time when the dashboard is opened. */
const RELATIVE_TIME = { type: 'string', pattern: '^-P(\\d+[DWMY]|T\\d+[HMS])+$' };
const REFERENCE_TO_ARN = { type: 'string', pattern: '^\\$\\{\\w+\\.Arn\\}$' };

/** An object with these properties and no others. Names of required properties end with `!`. */
function object(properties: Record<string, object>): object {
  const names = Object.keys(properties);
  return {
    type: 'object',
    additionalProperties: false,
    required: names.filter((name) => name.endsWith('!')).map((name) => name.slice(0, -1)),
    properties: Object.fromEntries(names.map((name) => [name.replace('!', ''), properties[name]])),
  };
}

const AXIS = object({ min: NUMBER, max: NUMBER, label: STRING, showUnits: BOOLEAN });

const RENDERING = {
  color: COLOR,
  id: { type: 'string', pattern: '^[a-z]\\w*$' },
  label: STRING,
  period: PERIOD,
  region: STRING,
  stat: STATISTIC,
  visible: BOOLEAN,
  yAxis: { enum: ['left', 'right'] },
  accountId: ACCOUNT_ID,
};

/** Namespace, name, and pairs of a dimension and its value; `.` and `...` repeat those of the line before. */
const METRIC = {
  type: 'array',
  minItems: 1,
  items: { anyOf: [STRING, object(RENDERING)] },
  anyOf: [
    { minItems: 2, prefixItems: [STRING, STRING] },
    { prefixItems: [{ const: '...' }] },
  ],
};
const EXPRESSION = {
  type: 'array', minItems: 1, maxItems: 1, items: object({ ...RENDERING, 'expression!': STRING }),
};

const ANNOTATION = {
  label: STRING, color: COLOR, visible: BOOLEAN, fill: { enum: ['none', 'above', 'below', 'before', 'after'] },
};

const PROPERTIES: Record<string, object> = {
  text: object({ 'markdown!': STRING, 'background': { enum: ['transparent', 'solid'] } }),
  alarm: object({
    'alarms!': { type: 'array', minItems: 1, maxItems: 100, items: REFERENCE_TO_ARN },
    'sortBy': { enum: ['default', 'stateUpdatedTimestamp', 'timestamp'] },
    'states': { type: 'array', items: { enum: ['ALARM', 'INSUFFICIENT_DATA', 'OK'] } },
    'title': STRING,
  }),
  log: object({
    'query!': { type: 'string', pattern: "^SOURCE '[^']+' \\| fields " },
    'region!': STRING,
    'title': STRING,
    'view': { enum: ['table', 'timeSeries', 'bar', 'pie'] },
    'stacked': BOOLEAN,
    'accountId': ACCOUNT_ID,
  }),
  metric: object({
    'metrics!': { type: 'array', minItems: 1, maxItems: 500, items: { anyOf: [METRIC, EXPRESSION] } },
    'region!': STRING,
    'title': STRING,
    'period': PERIOD,
    'stat': STATISTIC,
    'stacked': BOOLEAN,
    'view': { enum: ['timeSeries', 'singleValue', 'gauge', 'bar', 'pie', 'table'] },
    'legend': object({ 'position!': { enum: ['right', 'bottom', 'hidden'] } }),
    'yAxis': object({ left: AXIS, right: AXIS }),
    'liveData': BOOLEAN,
    'annotations': object({
      horizontal: {
        type: 'array',
        items: object({ ...ANNOTATION, 'value!': NUMBER, 'yAxis': { enum: ['left', 'right'] } }),
      },
      vertical: { type: 'array', items: object({ ...ANNOTATION, 'value!': STRING }) },
    }),
    'accountId': ACCOUNT_ID,
  }),
};

const WIDGET = {
  type: 'object',
  required: ['type'],
  discriminator: { propertyName: 'type' },
  oneOf: Object.entries(PROPERTIES).map(([type, properties]) => object({
    'type!': { const: type },
    'x!': { type: 'integer', minimum: 0, maximum: 23 },
    'y!': { type: 'integer', minimum: 0 },
    'width!': { type: 'integer', minimum: 1, maximum: 24 },
    'height!': { type: 'integer', minimum: 1, maximum: 1000 },
    'properties!': properties,
  })),
};

const DASHBOARD: Schema = object({
  'start': RELATIVE_TIME,
  'end': RELATIVE_TIME,
  'periodOverride': { enum: ['auto', 'inherit'] },
  'widgets!': { type: 'array', maxItems: 500, items: WIDGET },
});

const ajv = new Ajv2020({ allErrors: true, discriminator: true, strictTypes: false, strictTuples: false });
const validate = ajv.compile(DASHBOARD);

/** What is wrong with the body of a dashboard, in one line for each fault. */
export function dashboardErrors(body: unknown): string[] {
  validate(body);
  return (validate.errors ?? []).map(describeError);
}

function describeError({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath}: ${message} ${JSON.stringify(params)}`;
}
