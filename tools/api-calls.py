"""
Compares AWS API calls with the models of botocore, and prints what is wrong with each.

Reads [{name, service, api, parameters, expected}] from stdin. `expected` may have the matchers of integ-tests-alpha.
"""
import json
import sys

import botocore.session
from botocore.model import OperationNotFoundError
from botocore.validate import ParamValidator

session = botocore.session.get_session()


def normalize(name):
    """The SDK for JavaScript has ApplicationAutoScaling where botocore has application-autoscaling."""
    return name.replace("-", "").replace(" ", "").lower()


def find_operation(service, api):
    names = session.get_available_services()
    by_name = [name for name in names if normalize(name) == normalize(service)]
    for name in by_name or names:
        model = session.get_service_model(name)
        if by_name or normalize(model.service_id) == normalize(service):
            return model.operation_model(api[0].upper() + api[1:])
    raise LookupError(f"there is no service {service}")


def unknown_members(expected, shape, path):
    """Members that a response cannot have."""
    if isinstance(expected, dict):
        for matcher, argument in expected.items():
            if matcher == "$SerializedJson":
                continue
            if matcher.startswith("$"):
                yield from unknown_members(argument, shape, path)
            elif shape.type_name == "map":
                yield from unknown_members(argument, shape.value, f"{path}.{matcher}")
            elif shape.type_name != "structure" or matcher not in shape.members:
                yield f"the response has no {path}.{matcher}"
            else:
                yield from unknown_members(argument, shape.members[matcher], f"{path}.{matcher}")
    elif isinstance(expected, list):
        if shape.type_name != "list":
            yield f"{path} of the response is a {shape.type_name}, not a list"
            return
        for element in expected:
            yield from unknown_members(element, shape.member, f"{path}[]")


def problems(call):
    try:
        operation = find_operation(call["service"], call["api"])
    except (LookupError, OperationNotFoundError):
        yield "there is no such operation"
        return
    parameters = call["parameters"]
    if operation.input_shape is not None:
        report = ParamValidator().validate(parameters, operation.input_shape)
        if report.has_errors():
            yield report.generate_report().strip()
    if operation.service_model.service_name == "lambda" and operation.name == "Invoke" and "Payload" in parameters:
        try:
            json.loads(parameters["Payload"])
        except ValueError:
            yield f"Payload is not JSON: {parameters['Payload']}"
    if call.get("expected") is not None and operation.output_shape is not None:
        yield from unknown_members(call["expected"], operation.output_shape, "$")


failed = False
for call in json.load(sys.stdin):
    for problem in problems(call):
        failed = True
        print(f"{call['name']}: {call['service']}:{call['api']}: {problem}")
sys.exit(1 if failed else 0)
