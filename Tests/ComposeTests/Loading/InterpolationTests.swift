import Testing

@testable import Compose

struct InterpolationTests {
    @Test(
        arguments: [
            ("ports: [\"${SECRET}:80\"]", "invalid port \"${SECRET}:80\": \"${SECRET}:80\" is not a port"),
            ("ports: [\"80/$SECRET\"]", "invalid port \"80/$SECRET\": unknown protocol \"80/$SECRET\""),
            ("volumes: [\"${SECRET}::b\"]", "invalid volume \"${SECRET}::b\": empty section"),
            ("cgroup: $SECRET", "got \"$SECRET\""),
            ("scale: $SECRET", "expected an integer, got \"$SECRET\""),
            ("mem_limit: \"${SECRET}\"", "\"${SECRET}\" is no size"),
            ("stop_grace_period: \"${SECRET}\"", "\"${SECRET}\" is no duration"),
        ])
    func `Messages quote what is written, not what a variable holds`(attribute: String, message: String) {
        let files = MemoryFiles(["compose.yaml": "services: {web: {image: x, \(attribute)}}\n"])
        var request = ProjectLoader.Request(workingDirectory: "/p")
        request.environment = ["SECRET": "hunter2"]
        let error = #expect(throws: ComposeError.self) { try ProjectLoader(files: files.access).load(request) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(error?.description.lowercased().contains("hunter2") == false)
    }

    private func expand(_ template: String) throws -> String {
        let variables = ["SET": "value", "EMPTY": "", "DOLLAR": "$SET"]
        return try Interpolation(lookup: { variables[$0] }).expand(template)
    }

    @Test(arguments: [
        ("$SET", "value"), ("${SET}", "value"), ("a${SET}b$SET-c", "avaluebvalue-c"), ("$UNSET", ""),
        ("${UNSET-d}", "d"), ("${UNSET:-d}", "d"), ("${EMPTY-d}", ""), ("${EMPTY:-d}", "d"), ("${SET:-d}", "value"),
        ("${UNSET+a}", ""), ("${EMPTY+a}", "a"), ("${EMPTY:+a}", ""), ("${SET:+a}", "a"), ("${SET+a}", "a"),
        ("${EMPTY?e}", ""), ("${SET:?e}", "value"),
        ("$$SET", "$SET"), ("$$$SET", "$value"), ("$", "$"), ("$5", "$5"), ("cost: $ 5", "cost: $ 5"),
        ("${A:-${B:-${SET}}}", "value"), ("${A:-${B:-c}}d", "cd"), ("${A:-{}}", "{}"), ("${A:-a:-b}", "a:-b"),
        ("${A-b?c}", "b?c"), ("$DOLLAR", "$SET"), ("{{.Name}}", "{{.Name}}"), ("${A:-$$}", "$"), ("${A:-é}", "é"),
    ])
    func `Templates expand`(template: String, expected: String) throws {
        #expect(try expand(template) == expected)
    }

    @Test(arguments: ["${", "${}", "${5}", "${SET", "${SET!x}", "${SET }", "${A:-a\nb}", "${SET[0]}", "${SET:x}"])
    func `Malformed templates are refused`(template: String) {
        #expect(throws: Interpolation.Failure.invalidFormat(template: template)) { try expand(template) }
    }

    @Test func `Required variables are required, in unused defaults too`() {
        #expect(throws: Interpolation.Failure.missing(variable: "A", message: "say value")) {
            try expand("${A:?say $SET}")
        }
        #expect(throws: Interpolation.Failure.missing(variable: "A", message: "")) { try expand("${SET:-${A?}}") }
    }

    @Test func `Defaults nested beyond reason are refused`() {
        let template = String(repeating: "${A:-", count: 100) + String(repeating: "}", count: 100)
        #expect(throws: Interpolation.Failure.self) { try expand(template) }
    }

    @Test func `Values are cast where a number or boolean belongs`() throws {
        let tree = try tree(
            """
            services:
              web:
                image: "x:$TAG"
                privileged: "$YES"
                cpus: "$CPUS"
                scale: "$SCALE"
                labels: {n: "$SCALE"}
            """, environment: ["TAG": "1", "YES": "Yes", "CPUS": "1_0.5", "SCALE": "+2"])
        #expect(tree.web("image") == "\"x:1\"")
        #expect(tree.web("privileged") == "true")
        #expect(tree.web("cpus") == "10.5")
        #expect(tree.web("scale") == "2")
        #expect(tree.web("labels") == "{n: \"+2\"}")
    }

    @Test func `Every problem of a file is told with path and place, without the variable's value`() {
        let text = """
            services:
              web:
                image: ${TAG:?give a tag}
                privileged: "${SECRET}"
                command: [a, "${b"]
            """
        #expect(
            problems(text, environment: ["SECRET": "hunter2"]) == """
                /p/compose.yaml:3:12: services.web.image: required variable TAG is missing a value: give a tag
                /p/compose.yaml:4:17: services.web.privileged: expected a boolean, got "${SECRET}", which is something \
                else once expanded
                /p/compose.yaml:5:18: services.web.command[1]: invalid interpolation format in "${b"; write $$ for a \
                dollar sign
                """)
    }

    @Test func `Unset variables are warned of once a place`() throws {
        let warnings = try tree("services: {web: {image: 'x$A', command: '$A$A'}}").warnings
        #expect(
            warnings.map(\.description) == [
                "/p/compose.yaml:1:25: services.web.image: the \"A\" variable is not set, an empty string is used instead",
                "/p/compose.yaml:1:41: services.web.command: the \"A\" variable is not set, an empty string is used "
                    + "instead",
            ])
    }

    @Test func `Without interpolation dollars stay`() throws {
        let tree = try MemoryFiles(["compose.yaml": "services: {web: {image: 'x$A', command: '${'}}"])
            .tree { $0.interpolates = false }
        #expect(tree.web("image") == "\"x$A\"")
    }

    @Test func `Without interpolation what a variable keeps from being read stays short, as docker compose prints it`()
        throws
    {
        let files = MemoryFiles([
            "compose.yaml": """
            name: p
            services:
              b: {image: "y", pids_limit: "${PL}", configs: [c]}
              a:
                image: x:${TAG}
                ports: ["${PORT}:80", "81:81"]
                volumes: ["${V}:/x", "/a:${W}:ro"]
                devices: ["${DEV}:/dev/x"]
                environment: {A: "${A}", B: $B}
                build: {context: "${CTX}"}
                depends_on: [b]
                profiles: [p]
            configs: {c: {environment: PATH}}
            """
        ])
        var request = ProjectLoader.Request(workingDirectory: "/p")
        request.environment = ["PATH": "/bin"]
        let model = try ProjectLoader(files: files.access).loadUninterpolated(request)
        #expect(
            ProjectRendering.yaml(model) == """
                configs:
                  c:
                    environment: PATH
                    name: p_c
                name: p
                networks:
                  default:
                    name: p_default
                services:
                  a:
                    build:
                      context: /p/${CTX}
                      dockerfile: Dockerfile
                    depends_on:
                      b:
                        condition: service_started
                        required: true
                    devices:
                      - permissions: rwm
                        source: ${DEV}
                        target: /dev/x
                    environment:
                      A: ${A}
                      B: $B
                    image: x:${TAG}
                    networks:
                      default: null
                    ports:
                      - ${PORT}:80
                      - 81:81
                    profiles:
                      - p
                    volumes:
                      - source: ${V}
                        target: /x
                        type: volume
                        volume: {}
                      - bind:
                          create_host_path: true
                        read_only: true
                        source: /a
                        target: ${W}
                        type: bind
                  b:
                    configs:
                      - source: c
                    image: "y"
                    networks:
                      default: null
                    pids_limit: ${PL}

                """)
        #expect(ProjectRendering.json(model).contains(#""${PORT}:80","#))
    }
}
