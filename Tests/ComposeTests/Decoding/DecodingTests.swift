import Testing
import YAML

@testable import Compose

struct DecodingTests {
    @Test func `free-form values become text as Go prints them`() throws {
        let project = try Project.from(
            json: """
                {"services": {"a": {"image": "i", "environment": {"I": 7, "F": 1.0, "B": true, "N": null, "E": "",
                    "V": null, "x-foo": "bar"}, "labels": ["a=b", "c", "d=e=f"]}}}
                """, environment: ["V": "set"])
        let service = try #require(project.services["a"])
        #expect(
            service.environment == [
                "I": "7", "F": "1", "B": "true", "N": nil, "E": "", "V": "set", "#extensions": "map[x-foo:bar]",
            ])
        #expect(service.labels == ["a": "b", "c": "", "d": "e=f"])
    }

    @Test func `a command tells unset from empty`() throws {
        let project = try Project.from(
            json: """
                {"services": {"a": {"image": "i"}, "b": {"image": "i", "command": "", "entrypoint": []},
                    "c": {"image": "i", "command": null}}}
                """)
        #expect(project.services["a"]?.command == nil)
        #expect(project.services["b"]?.command == [])
        #expect(project.services["b"]?.entrypoint == [])
        #expect(project.services["c"]?.command == nil)
    }

    @Test func `build arguments without a value take that of the project or are left out`() throws {
        let project = try Project.from(
            json: #"{"services": {"a": {"build": {"context": "/", "args": ["A=1", "B", "C"]}}}}"#,
            environment: ["B": "2"])
        #expect(project.services["a"]?.build?.args == ["A": "1", "B": "2"])
    }

    @Test func `extra hosts come in every notation and are sorted`() throws {
        let project = try Project.from(
            json: """
                {"services": {"a": {"image": "i", "extra_hosts": ["h=host-gateway", "b:1.1.1.1,2.2.2.2", "c=[::1]"]},
                    "b": {"image": "i", "extra_hosts": {"z": ["1.1.1.1", "::2"], "y": "3.3.3.3"}}}}
                """)
        #expect(project.services["a"]?.extraHosts == ["b=1.1.1.1", "b=2.2.2.2", "c=::1", "h=host-gateway"])
        #expect(project.services["b"]?.extraHosts == ["y=3.3.3.3", "z=1.1.1.1", "z=::2"])
    }

    @Test func `modes are octal, as numbers and as strings`() throws {
        let project = try Project.from(
            json: """
                {"services": {"a": {"image": "i", "configs": [{"source": "c", "mode": 288}, {"source": "c",
                    "mode": "0440"}]}}, "configs": {"c": {"file": "/c"}}}
                """)
        #expect(project.services["a"]?.configs.map(\.mode) == [0o440, 0o440])
    }

    @Test func `what does not fit the model is reported with its path, all at once`() throws {
        #expect(
            try problems(
                json: """
                    {"services": {"a": {"image": true, "command": "'", "mem_limit": "1x", "stop_grace_period": "soon",
                        "environment": ["A =1"], "depends_on": {"b": {"condition": "ready", "required": true}},
                        "cap_add": ["A", 1.5], "blkio_config": {"weight": "5"}}}}
                    """) == [
                    "services.a.blkio_config.weight: expected a number without quotes, got a string",
                    "services.a.cap_add[1]: expected a string, got the number 1.5",
                    "services.a.command: \"'\" is no valid command line: a quote or parenthesis is unbalanced",
                    "services.a.depends_on.b.condition: \"ready\" is none of service_started, service_healthy, "
                        + "service_completed_successfully",
                    "services.a.environment: the name of the variable \"A \" ends with a space",
                    "services.a.image: expected a string, got the boolean true",
                    "services.a.mem_limit: \"1x\" is no size: expected a number and a unit such as k, m or g",
                    "services.a.stop_grace_period: \"soon\" is no duration: expected numbers with units, such as 1m30s",
                ])
    }
}
