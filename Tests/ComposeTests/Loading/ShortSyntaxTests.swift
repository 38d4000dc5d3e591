import Testing

@testable import Compose

struct ShortSyntaxTests {
    private func web(_ attribute: String, _ value: String) throws -> String {
        try tree(
            """
            services:
              web: {image: x, \(attribute): \(value)}
              db: {image: y}
            volumes: {vol: }
            networks: {n: }
            secrets: {s: {file: ./s}}
            """
        ).web(attribute)
    }

    @Test(arguments: [
        ("80", "[{mode: \"ingress\", target: 80, protocol: \"tcp\"}]"),
        ("8080:80/UDP", "[{mode: \"ingress\", target: 80, published: \"8080\", protocol: \"udp\"}]"),
        (
            "[::1]:8080:80",
            "[{mode: \"ingress\", host_ip: \"::1\", target: 80, published: \"8080\", protocol: \"tcp\"}]"
        ),
        ("127.0.0.1::80", "[{mode: \"ingress\", host_ip: \"127.0.0.1\", target: 80, protocol: \"tcp\"}]"),
        ("8000-8010:80", "[{mode: \"ingress\", target: 80, published: \"8000-8010\", protocol: \"tcp\"}]"),
        (
            "9999-10000",
            "[{mode: \"ingress\", target: 10000, protocol: \"tcp\"}, {mode: \"ingress\", target: 9999, protocol: \"tcp\"}]"
        ),
    ])
    func `Ports become long`(port: String, expected: String) throws {
        #expect(try web("ports", "[\"\(port)\"]") == expected)
    }

    @Test(arguments: [
        ("8080:", "no container port"), ("80/foo", "unknown protocol \"foo\"; known are tcp, udp, sctp"),
        ("80:65536", "\"65536\" is not a port from 0 to 65535 or a range of ports"),
        ("82-80:80", "\"82-80\" is not a port from 0 to 65535 or a range of ports"),
        ("8000-8001:80-82", "the ranges of host and container ports differ in length"),
        ("localhost:80:80", "\"localhost\" is not an IP address"),
    ])
    func `Ports that are none are refused with their place`(port: String, message: String) {
        #expect(
            problems("services:\n  web:\n    image: x\n    ports:\n      - \"\(port)\"\n")
                == "/p/compose.yaml:5:9: services.web.ports[0]: invalid port \"\(port)\": \(message)")
    }

    @Test(arguments: [
        ("/a", "{type: \"volume\", target: \"/a\"}"),
        ("/data", "{type: \"volume\", target: \"/data\", volume: {}}"),
        ("vol:/data/../x/", "{type: \"volume\", source: \"vol\", target: \"/x\", volume: {}}"),
        ("vol:/data:nocopy", "{type: \"volume\", source: \"vol\", target: \"/data\", volume: {nocopy: true}}"),
        (
            "./x:/data:ro,z",
            "{type: \"bind\", source: \"/p/x\", target: \"/data\", read_only: true, "
                + "bind: {selinux: \"z\", create_host_path: true}}"
        ),
        ("../x:/d", "{type: \"bind\", source: \"/x\", target: \"/d\", bind: {create_host_path: true}}"),
        ("/x/../y:/d", "{type: \"bind\", source: \"/x/../y\", target: \"/d\", bind: {create_host_path: true}}"),
        ("C:/x:/d", "{type: \"bind\", source: \"C:/x\", target: \"/d\", bind: {create_host_path: true}}"),
    ])
    func `Volumes become long`(volume: String, expected: String) throws {
        #expect(try web("volumes", "[\"\(volume)\"]") == "[\(expected)]")
    }

    @Test(arguments: [
        (":/a", "empty section between colons"), ("vol:/a:", "empty section between colons"),
        ("vol:/a:ro:x", "too many colons"),
    ])
    func `Volumes that are none are refused with their place`(volume: String, message: String) {
        #expect(
            problems("services:\n  web:\n    image: x\n    volumes: [\"\(volume)\"]\n")
                == "/p/compose.yaml:4:15: services.web.volumes[0]: invalid volume \"\(volume)\": \(message)")
    }

    @Test(arguments: [
        ("networks", "[n]", "{n: null}"),
        ("depends_on", "[db]", "{db: {condition: \"service_started\", required: true}}"),
        ("env_file", "e.env", "[{path: \"/p/e.env\", required: true}]"),
        (
            "env_file", "[a, {path: b, required: false}]",
            "[{path: \"/p/a\", required: true}, {path: \"/p/b\", required: false}]"
        ),
        ("label_file", "l", "[\"/p/l\"]"),
        ("build", "./c", "{context: \"/p/c\", dockerfile: \"Dockerfile\"}"),
        (
            "build", "{context: https://e.org/x.git, args: [A=1, B], ssh: [default, k=./k]}",
            "{context: \"https://e.org/x.git\", args: [\"A=1\"], ssh: {default: null, k: \"/p/k\"}, "
                + "dockerfile: \"Dockerfile\"}"
        ),
        ("secrets", "[s]", "[{source: \"s\", target: \"/run/secrets/s\"}]"),
        (
            "devices", "[\"/a\", \"/b:/c:r\"]",
            "[{source: \"/a\", target: \"/a\", permissions: \"rwm\"}, "
                + "{source: \"/b\", target: \"/c\", permissions: \"r\"}]"
        ),
        ("gpus", "all", "[{count: \"all\"}]"),
        ("dns", "[1.1.1.1, \"\"]", "[\"1.1.1.1\"]"),
        ("pull_policy", "if_not_present", "\"missing\""),
    ])
    func `Other short forms become long`(attribute: String, value: String, expected: String) throws {
        #expect(try web(attribute, value) == expected)
    }

    @Test func `Every port that cannot be read is told`() {
        let found = problems(
            "services: {a: {image: x, ports: [\"a\", \"80\", \"b\"]}, b: {image: x, ports: [\"c\"]}}\n")
        #expect(found.split(separator: "\n").count == 3)
    }
}
