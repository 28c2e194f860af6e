/*
 * Corrects the Go of jsii-rosetta in a tablet: https://github.com/aws/jsii-rosetta. `npx projen examples go` compiles it.
 *
 *     tsx tools/go-snippets.ts FILE
 */
import * as fs from 'node:fs';

/** In order. Go has no optional parameters, so those that the snippets leave out are nil. */
const CORRECTIONS: ReadonlyArray<readonly [wrong: RegExp, right: string]> = [
  [/"(github\.com\/aws\/aws-cdk-go\/awscdk)"/g, '"$1/v2"'],
  [/\bNewstack\(/g, 'NewStack('],
  [/_from([A-Z])/g, '_From$1'],
  [/\b(ecs|ssm)\./g, 'aws$1.'],
  [/map\[string\]Secret\b/g, 'map[string]awsecs.Secret'],
  [/\*(hellofargateservice\.)/g, '$1'],
  [/&(SecureStringParameterAttributes)\{/g, '&awsssm.$1{'],
  [/&([A-Z]\w+)\{/g, '&hellofargateservice.$1{'],
  [/\b(NewApp|Ingress_CloudFront)\(\)/g, '$1(nil)'],
  [/\b(ServiceImage_FromDirectory\(jsii\.String\("[^"]*"\))\)/g, '$1, nil)'],
  [/\b(New(?:Stack|HelloFargateService)\(\w+, jsii\.String\("[^"]*"\))\)/g, '$1, nil)'],
  [/: (\[\]|map\[)/g, ': &$1'],
  [/,\n\s+\/\/ /g, ', // '],
];

interface Tablet {
  readonly snippets: Record<string, { readonly translations: { go?: { source: string } } }>;
}

const [file] = process.argv.slice(2);
const tablet: Tablet = JSON.parse(fs.readFileSync(file, 'utf8'));
for (const { translations: { go } } of Object.values(tablet.snippets)) {
  if (!go) { continue; }
  go.source = CORRECTIONS.reduce((source, [wrong, right]) => source.replace(wrong, right), go.source);
}
fs.writeFileSync(file, JSON.stringify(tablet, undefined, 2));
