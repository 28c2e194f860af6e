import { Duration, Token } from 'aws-cdk-lib';
import { Deployment, ServiceDeploymentOptions, Strategy } from './deployment';
import { RollingDeploymentOptions, TestTrafficHeader } from './deployment-options';
import { IngressTraits } from '../ingress/ingress-type';
import { show, Validation } from '../validation';

/** CloudFormation rejects a template whose deployment would take longer. */
const MAX_DEPLOYMENT_TIME = Duration.hours(33);

export function validateDeployment(
  validation: Validation, props: ServiceDeploymentOptions, ingress: IngressTraits,
): void {
  const { deployment = Deployment.rolling() } = props;
  const strategy = deployment._strategy;
  if (!ingress.hasLoadBalancer) { validateWithoutLoadBalancer(validation, deployment, ingress); }
  if (ingress.hasStickySessions) { validateWithStickySessions(validation, deployment); }
  if (strategy.options.rollbackAlarms?.length === 0) {
    validation.refuse('deployment.rollbackAlarms', '[]', 'an empty value would be ignored', 'leave it out');
  }
  validateRolling(validation, strategy.options);
  validatePercent(validation, strategy);
  validateTimes(validation, strategy);
  validateTestTraffic(validation, strategy.options.testTrafficHeader, ingress);
  validation.notEmpty('deployment.lifecycleHooks', strategy.options.lifecycleHooks, 'leave it out');
  validateNonce(validation, props.forceNewDeployment);
}

/** A nonce has at most 255 characters, 17 of which are a hash of the capacity and a hyphen. */
function validateNonce(validation: Validation, text: string | undefined): void {
  validation.notEmpty('forceNewDeployment', text, 'leave it out, or set a string');
  if (text !== undefined && !Token.isUnresolved(text) && text.length > 238) {
    validation.refuse('forceNewDeployment', `${text.length} characters long`, 'it has at most 238 characters',
      'shorten it');
  }
}

function validateWithoutLoadBalancer(validation: Validation, deployment: Deployment, ingress: IngressTraits): void {
  const { options } = deployment._strategy;
  if (deployment._trafficShifting) {
    validation.refuse('deployment', callOf(deployment), `${ingress.name} has no load balancer to shift traffic`,
      'leave it out, or use an ingress with a load balancer');
  }
  if (options.rollbackOnErrors) {
    validation.refuse('deployment.rollbackOnErrors', 'true', `${ingress.name} has no load balancer that counts errors`,
      'leave it out, or set rollbackAlarms to your own alarms');
  }
}

/**
 * Elastic Load Balancing refuses a rule that forwards to several target groups of which one has sticky sessions, unless
 * the rule has group stickiness (https://github.com/hashicorp/terraform-provider-aws/issues/20200). With that, clients
 * would remain at the old version after ECS has shifted the weights.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
 */
function validateWithStickySessions(validation: Validation, deployment: Deployment): void {
  if (!deployment._trafficShifting) { return; }
  validation.refuse('ingress.sessionStickiness', 'set',
    `${callOf(deployment)} has two target groups, and their rule would keep clients at the old version`,
    'leave it out, or use Deployment.rolling');
}

/** The factory call of a deployment that shifts traffic, or prepares for it. */
function callOf({ _strategy: { name, bakeTime } }: Deployment): string {
  return bakeTime ? name : `${name} with prepareTrafficShifting`;
}

function validateRolling(validation: Validation, options: RollingDeploymentOptions): void {
  const { minHealthyPercent, maxHealthyPercent, failureThreshold } = options;
  validation.wholeNumber('deployment.minHealthyPercent', minHealthyPercent, [0, 100], 'a percentage of healthy tasks');
  validation.wholeNumber('deployment.maxHealthyPercent', maxHealthyPercent, [101, 200], 'a percentage of tasks');
  validation.wholeNumber('deployment.failureThreshold', failureThreshold, [1, 5000], 'a number of failed tasks');
}

function validatePercent(validation: Validation, { name, steps }: Strategy): void {
  if (!steps || Token.isUnresolved(steps.percent)) { return; }
  const { percent, minPercent } = steps;
  // Binary fractions are inexact: 0.3 * 10 is not exactly 3.
  const isMultipleOfTenth = Math.abs(percent * 10 - Math.round(percent * 10)) <= 1e-9;
  const isInRange = percent >= minPercent && percent <= 100;
  if (!isInRange || !isMultipleOfTenth) {
    validation.refuse('deployment.percent', show(percent),
      `${name} accepts ${minPercent} to 100 percent, in steps of 0.1`, 'set it within that range');
  }
}

function validateTimes(validation: Validation, { steps, bakeTime }: Strategy): void {
  if (!bakeTime) { return; }
  if (steps) { validateMinutes(validation, steps.bakeTimeOption, steps.bakeTime); }
  validateMinutes(validation, 'bakeTime', bakeTime);
  validateTotalTime(validation, bakeTime, steps);
}

function validateMinutes(validation: Validation, option: string, time: Duration): void {
  if (validation.checkTokenUnit('minutes', `deployment.${option}`, time)) { return; }
  const minutes = time.toMilliseconds({ integral: false }) / 60_000;
  if (!Number.isInteger(minutes) || minutes < 0 || minutes > 1440) {
    validation.refuse(`deployment.${option}`, show(time), 'it must be a whole number of minutes from 0 to 1440',
      `set ${option} within that range`);
  }
}

function validateTotalTime(validation: Validation, bakeTime: Duration, steps: Strategy['steps']): void {
  if (bakeTime.isUnresolved() || steps?.bakeTime.isUnresolved() || Token.isUnresolved(steps?.percent)) { return; }
  const stepTime = steps ? steps.count * steps.bakeTime.toMilliseconds({ integral: false }) : 0;
  const total = bakeTime.toMilliseconds({ integral: false }) + stepTime;
  if (total > MAX_DEPLOYMENT_TIME.toMilliseconds({ integral: false })) {
    const hours = Math.round(total / 360_000) / 10;
    validation.refuse('deployment', `${hours} hours long`,
      `CloudFormation allows at most ${MAX_DEPLOYMENT_TIME.toHours()} hours for a deployment`,
      steps ? `shorten ${steps.bakeTimeOption} or bakeTime` : 'shorten bakeTime');
  }
}

function validateTestTraffic(
  validation: Validation, header: TestTrafficHeader | undefined, ingress: IngressTraits,
): void {
  if (!header) { return; }
  const { name, value } = header;
  if (!ingress.hasOwnListener) {
    validation.refuse('deployment.testTrafficHeader', show(name),
      `${ingress.name} has no listener of its own for a second rule`, 'leave it out');
  }
  if (!Token.isUnresolved(name) && !/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}$/.test(name)) {
    validation.refuse('deployment.testTrafficHeader.name', show(name),
      'a header name has at most 40 letters, digits and hyphens', 'set a name like X-Version');
  }
  if (!Token.isUnresolved(value) && !/^[\x20-\x7e]{1,128}$/.test(value)) {
    validation.refuse('deployment.testTrafficHeader.value', show(value),
      'a header value has 1 to 128 visible ASCII characters', 'set a value like new');
  }
}
