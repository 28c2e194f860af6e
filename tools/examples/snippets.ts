import * as fs from 'node:fs';
import * as path from 'node:path';
import { DIST } from './artifacts';
import { run } from './run';

/** A snippet of README or a docstring, as the package of a language shows it. */
interface Snippet {
  readonly imports: string[];
  readonly code: string;
}

/** Compiles the translated snippets in the directory of an installed example. Python has no compiler: they run. */
export interface SnippetCompiler {
  /** Of the language in the tablet. */
  readonly language: 'python' | 'java' | 'go';
  readonly isImport: RegExp;
  compile(directory: string, snippets: Snippet[]): void;
}

interface Tablet {
  readonly snippets: Record<string, { readonly translations: Record<string, { readonly source: string }> }>;
}

/** @returns how many were compiled, for the table */
export function compileSnippets(compiler: SnippetCompiler, directory: string): string {
  const { snippets }: Tablet = JSON.parse(fs.readFileSync(path.join(DIST, 'snippets.tabl.json'), 'utf8'));
  const translated = Object.values(snippets).map(({ translations }): Snippet => {
    const lines = translations[compiler.language].source.split('\n');
    return {
      imports: lines.filter((line) => compiler.isImport.test(line)),
      code: lines.filter((line) => !compiler.isImport.test(line)).join('\n'),
    };
  });
  // The snippets have it.
  fs.mkdirSync(path.join(directory, 'shop'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'shop', 'Dockerfile'), 'FROM scratch\n');
  compiler.compile(directory, translated);
  return `${translated.length} compiled`;
}

const indent = (code: string, by: string) => code.replaceAll(/^(?=.)/gm, by);

export const PYTHON_SNIPPETS: SnippetCompiler = {
  language: 'python',
  isImport: /^(from|import) /,
  compile: (directory, snippets) => {
    const classes = snippets.map(({ imports, code }, i) => `
class Snippet${i}(Stack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
${indent([...imports, code].join('\n'), '        ')}

app = App()
Snippet${i}(app, "Snippet${i}")
app.synth()
`);
    fs.writeFileSync(path.join(directory, 'snippets.py'), `
from aws_cdk import Annotations, App, Stack, aws_ecs as ecs, aws_ssm as ssm
from hello_fargate_service import Alarms, HelloFargateService, Ingress, Preset, ServiceImage
${classes.join('')}`);
    run('.venv/bin/python', ['snippets.py'], directory);
  },
};

export const JAVA_SNIPPETS: SnippetCompiler = {
  language: 'java',
  isImport: /^import /,
  compile: (directory, snippets) => {
    const classes = snippets.map(({ code }, i) => `
class Snippet${i} extends Stack {
    Snippet${i}(Construct scope, String id) {
        super(scope, id);
${indent(code, '        ')}
    }
}
`);
    const imports = new Set(snippets.flatMap((snippet) => snippet.imports));
    fs.writeFileSync(path.join(directory, 'src', 'main', 'java', 'com', 'example', 'Snippets.java'), `
package com.example;

${[...imports].join('\n')}
import io.github.hellofargateservice.*;
import java.util.*;
import software.amazon.awscdk.*;
import software.amazon.awscdk.services.ecs.Secret;
import software.amazon.awscdk.services.ssm.*;
import software.constructs.Construct;
${classes.join('')}`);
    run('mvn', ['--quiet', 'compile'], directory);
  },
};

/** Of the packages that the snippets use. Go refuses an import that is not used. */
const GO_IMPORTS: Readonly<Record<string, string>> = {
  awscdk: 'github.com/aws/aws-cdk-go/awscdk/v2',
  awsecs: 'github.com/aws/aws-cdk-go/awscdk/v2/awsecs',
  awsssm: 'github.com/aws/aws-cdk-go/awscdk/v2/awsssm',
  constructs: 'github.com/aws/constructs-go/constructs/v10',
  hellofargateservice: 'github.com/hello-fargate-service/hello-fargate-service-go/hellofargateservice',
  jsii: 'github.com/aws/jsii-runtime-go',
};

export const GO_SNIPPETS: SnippetCompiler = {
  language: 'go',
  isImport: /^import /,
  compile: (directory, snippets) => {
    const functions = snippets.map(({ code }, i) => {
      const variables = [...code.matchAll(/^(\w+) :=/gm)].map(([, name]) => `_ = ${name}`);
      return `
func snippet${i}(this constructs.Construct) {
${indent([code, ...variables].join('\n'), '\t')}
}
`;
    }).join('');
    const known = Object.values(GO_IMPORTS).map((module) => `import "${module}"`);
    const unknown = snippets.flatMap(({ imports }) => imports).filter((line) => !known.includes(line));
    const used = Object.entries(GO_IMPORTS).filter(([name]) => functions.includes(`${name}.`));
    fs.writeFileSync(path.join(directory, 'snippets.go'), `
package main

import (
${used.map(([name, module]) => `\t${name} "${module}"`).join('\n')}
)
${unknown.join('\n')}
${functions}`);
    run('go', ['vet', './...'], directory);
  },
};
