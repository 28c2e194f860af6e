package com.example;

import io.github.hellofargateservice.HelloFargateService;
import software.amazon.awscdk.Stack;
import software.constructs.Construct;

/** The default service: no props. */
public class HelloStack extends Stack {
    public HelloStack(final Construct scope, final String id) {
        super(scope, id);
        new HelloFargateService(this, "Hello");
    }
}
