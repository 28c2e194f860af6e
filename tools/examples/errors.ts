import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

/** A program that creates the service with a CPU size of 300 and -1 tasks, and prints the error. */
export interface InvalidProgram {
  readonly file: string;
  readonly source: string;
  readonly command: readonly string[];
}

/** What users of each language read if they pass invalid props. */
const ERRORS = [
  'Stack/Hello: cpu is 300, but Fargate supports 256, 512, 1024, 2048, 4096, 8192, 16384 CPU units; set one of them',
  'Stack/Hello: desiredCount is -1, but ',
];

/** Passes invalid props, through the runtime of the language. @returns the cell of the table */
export function readErrors({ file, source, command: [command, ...args] }: InvalidProgram, directory: string): string {
  fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
  fs.writeFileSync(path.join(directory, file), source);
  const { stdout, stderr } = spawnSync(command, args, { cwd: directory, encoding: 'utf8' });
  const missing = ERRORS.filter((error) => !stdout.includes(error));
  if (missing.length > 0) { throw new Error(`${file} does not print ${missing.join('\n')}, but\n${stdout}${stderr}`); }
  return 'as in TypeScript';
}

export const PYTHON_INVALID: InvalidProgram = {
  file: 'invalid.py',
  source: `
from aws_cdk import App, Stack
from hello_fargate_service import HelloFargateService

try:
    HelloFargateService(Stack(App(), "Stack"), "Hello", cpu=300, desired_count=-1)
except RuntimeError as error:
    print(error)
`,
  command: ['.venv/bin/python', 'invalid.py'],
};

export const JAVA_INVALID: InvalidProgram = {
  file: 'src/main/java/com/example/Invalid.java',
  source: `
package com.example;

import io.github.hellofargateservice.HelloFargateService;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Stack;

public class Invalid {
    public static void main(String[] args) {
        try {
            Stack stack = new Stack(new App(), "Stack");
            HelloFargateService.Builder.create(stack, "Hello").cpu(300).desiredCount(-1).build();
        } catch (RuntimeException error) {
            System.out.println(error.getMessage());
        }
    }
}
`,
  command: ['mvn', '--quiet', 'compile', 'exec:java', '-Dexec.mainClass=com.example.Invalid'],
};

export const GO_INVALID: InvalidProgram = {
  file: 'invalid/main.go',
  source: `
package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	hello "github.com/hello-fargate-service/hello-fargate-service-go/hellofargateservice"
)

func main() {
	defer jsii.Close()
	defer func() { fmt.Println(recover()) }()
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Stack"), nil)
	hello.NewHelloFargateService(stack, jsii.String("Hello"), &hello.HelloFargateServiceProps{
		Cpu:          jsii.Number(300),
		DesiredCount: jsii.Number(-1),
	})
}
`,
  command: ['go', 'run', './invalid'],
};
