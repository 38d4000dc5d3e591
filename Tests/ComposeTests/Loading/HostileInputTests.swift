import Testing
import YAML

@testable import Compose

/// Input that is made to exhaust time or memory is refused, quickly.
@Suite(.timeLimit(.minutes(15)))
struct HostileInputTests {
    @Test func `Variables that double each other are stopped`() {
        var text = "V0=xxxxxxxxxx\n"
        for index in 1...60 { text += "V\(index)=$V\(index - 1)$V\(index - 1)\n" }
        let files = MemoryFiles(["compose.yaml": "services: {web: {image: x}}\n", ".env": text])
        #expect(files.problems() == "/p/.env:18:1: the text has more than 1048576 bytes once expanded")
    }

    @Test func `Long variables used often are stopped`() {
        let commands = Array(repeating: "$A", count: 200).joined(separator: ", ")
        let found = problems(
            "services: {web: {image: x, command: [\(commands)]}}\n",
            environment: ["A": String(repeating: "x", count: 1 << 20)])
        #expect(found.contains("services.web.command[64]: the text has more than"))
    }

    @Test func `Services that pile up what they extend are stopped`() {
        let ports = (1...100).map { "\"\($0)\"" }.joined(separator: ", ")
        var text = "services:\n  s0: {image: x, ports: [\(ports)]}\n"
        for index in 1...2_000 {
            text += "  s\(index): {extends: s\(index - 1), labels: [\"a\(index)\", \"b\(index)\"]}\n"
        }
        #expect(problems(text).hasSuffix(": the project is too large"))
    }

    @Test func `A long chain of services in reverse order does not exhaust the stack`() {
        var text = "services:\n"
        for index in 0..<5_000 { text += "  s\(index): {extends: s\(index + 1)}\n" }
        text += "  s5000: {image: x}\n"
        #expect(problems(text).hasSuffix("more than 100 services extend one another"))
    }

    @Test(arguments: ["\"1-65535:1-65535\"", "\"1-30000\", \"1-30000/udp\""])
    func `Port ranges are bounded`(ranges: String) {
        #expect(
            problems("services: {web: {image: x, ports: [\(ranges)]}}\n")
                == "/p/compose.yaml:1:28: services.web.ports: the project has more than 40000 ports")
    }

    @Test func `Port ranges of many services are bounded together`() {
        let services = (1...9).map { "s\($0): {image: x, ports: [\"10000-19999\"]}" }.joined(separator: ", ")
        #expect(
            problems("services: {\(services)}\n").hasSuffix("services.s5.ports: the project has more than 40000 ports"))
    }

    @Test func `Services that all depend on all others are bounded`() {
        let names = (0..<300).map { "s\($0)" }
        let services = names.map { name in "  \(name): {image: x, depends_on: [\(names.joined(separator: ", "))]}\n" }
        #expect(
            problems("services:\n" + services.joined())
                .hasSuffix("services.s166.depends_on: the project has more than 50000 dependencies"))
    }

    @Test func `A chain of ten thousand dependencies loads, and closed to a circle it is refused`() throws {
        let chain = (1..<10_000).map { "  s\($0): {image: x, depends_on: [s\($0 - 1)]}\n" }.joined()
        let loader = ProjectLoader(files: MemoryFiles(["compose.yaml": "services:\n  s0: {image: x}\n" + chain]).access)
        let project = try loader.load(.init(workingDirectory: "/p")).project
        #expect(project.dependencyOrder.prefix(2) == ["s0", "s1"] && project.dependencyOrder.last == "s9999")
        let found = problems("services:\n  s0: {image: x, depends_on: [s9999]}\n" + chain)
        #expect(found.contains("dependency cycle: s0 -> s9999 -> s9998") && found.utf8.count < 4_000)
    }

    @Test func `Any number of replicas is one number`() throws {
        let tree = try tree("services: {web: {image: x, deploy: {replicas: 9223372036854775807}}}\n")
        #expect(tree.root.descendant("services", "web", "deploy", "replicas")?.int == .max)
    }

    @Test(arguments: [60, 5_000, 100_000])
    func `Defaults nested in defaults are stopped`(depth: Int) {
        let template = String(repeating: "${A:-", count: depth) + String(repeating: "}", count: depth)
        #expect(problems("services: {web: {image: \"\(template)\"}}\n").contains("defaults are nested too deep"))
    }

    @Test func `A text of variables only is read once`() {
        let template = String(repeating: "${A}", count: 200_000)
        #expect(
            problems("services: {web: {image: \"\(template)\"}}\n")
                == "/p/compose.yaml:1:25: services.web.image: is empty, and there is no build")
    }

    @Test func `Warnings about unset variables are bounded`() throws {
        let words = (0..<5_000).map { "$A\($0)" }.joined(separator: ", ")
        #expect(try tree("services: {web: {image: x, command: [\(words)]}}\n").warnings.count == 1_000)
    }

    @Test func `Mistakes without number are told a hundred at a time`() {
        let services = (0..<3_000).map { "  s\($0): {imag: x}\n" }.joined()
        #expect(problems("services:\n" + services).split(separator: "\n").count == 100)
        let names = (0..<3_000).map { "z\($0)" }.joined(separator: ", ")
        let found = problems("services: {web: {image: x, depends_on: [\(names)], networks: [\(names)]}}\n")
        #expect(found.split(separator: "\n").count == 200)
    }

    @Test func `Long texts are cut in messages`() {
        let long = String(repeating: "x", count: 100_000)
        #expect(problems("services: {web: {image: x, restart: 5, cgroup: \"\(long)\"}}\n").utf8.count < 5_000)
    }

    @Test func `Documents without number are refused`() {
        let text = "services: {web: {image: x}}\n" + String(repeating: "---\n{}\n", count: 2_000)
        #expect(problems(text) == "the project consists of more than 1000 documents")
    }

    @Test(arguments: [
        ("services: {web: {image: x, ports: !reset &a [*a]}}\n", "1:46: anchor \"a\" contains itself"),
        ("a: &a\n  b: !reset\n    c: *a\n", "3:8: anchor \"a\" contains itself"),
        ("services: &s {web: !override {image: x, labels: *s}}\n", "1:49: anchor \"s\" contains itself"),
    ])
    func `Tags on paths that contain themselves are refused`(text: String, message: String) {
        #expect(problems(text) == "/p/compose.yaml:\(message)")
    }

    @Test func `Includes that double each other are stopped`() {
        var files = ["compose.yaml": "include: [f0.yaml, f0.yaml]\n", "f40.yaml": "volumes: {v: }\n"]
        for index in 0..<40 { files["f\(index).yaml"] = "include: [f\(index + 1).yaml, f\(index + 1).yaml]\n" }
        #expect(MemoryFiles(files).problems().hasSuffix("the project consists of more than 1000 files"))
    }

    @Test func `A long chain of includes does not exhaust the stack`() {
        var files = ["compose.yaml": "include: [f0.yaml]\n"]
        for index in 0..<900 { files["f\(index).yaml"] = "include: [f\(index + 1).yaml]\n" }
        #expect(
            MemoryFiles(files).problems()
                == "/p/f49.yaml:1:11: include[0]: files include one another more than 50 deep")
    }

    @Test func `Files and services that lead back to themselves are refused`() {
        let include = MemoryFiles(["compose.yaml": "include: [b.yaml]\n", "b.yaml": "include: [compose.yaml]\n"])
        #expect(include.problems().hasPrefix("/p/b.yaml:1:11: include[0]: files include each other: "))
        let extends = MemoryFiles([
            "compose.yaml": "services: {a: {extends: {file: b.yaml, service: a}}}\n",
            "b.yaml": "services: {a: {extends: {file: compose.yaml, service: a}}}\n",
        ])
        #expect(extends.problems().contains("services.a.extends: services extend each other: "))
    }

    @Test func `Paths that leave the checkout are told with the place that names them`() {
        let files: [(key: String, text: String)] = [
            ("include[0]", "include: [../../up.yaml]\n"),
            ("services.a.extends.file", "services: {a: {extends: {file: ../../up.yaml, service: a}}}\n"),
            ("services.a.env_file[0]", "services: {a: {image: x, env_file: ../../up.env}}\n"),
            ("services.a.label_file[0]", "services: {a: {image: x, label_file: ../../up.env}}\n"),
        ]
        for (key, text) in files {
            let memory = MemoryFiles(["compose.yaml": text]).access
            let fenced = FileAccess(
                kind: { path in
                    if !path.hasPrefix("/p") { throw FileAccessError.outside(path: path) }
                    return try memory.kind(path)
                },
                read: { path in
                    if !path.hasPrefix("/p") { throw FileAccessError.outside(path: path) }
                    return try memory.read(path)
                })
            let error = #expect(throws: ComposeError.self) {
                try ProjectLoader(files: fenced).load(.init(workingDirectory: "/p"))
            }
            #expect(error?.description.hasPrefix("/p/compose.yaml:1:") == true, "\(key): \(error?.description ?? "")")
            #expect(error?.description.contains("leads out of the checkout; a file outside is read only when `host_files`") == true)
        }
    }

    @Test func `Env files are bounded, each and together`() {
        let lines = String(repeating: "#", count: 1 << 20) + "\n"
        #expect(
            MemoryFiles(["compose.yaml": "services: {web: {image: x}}\n", ".env": lines]).problems()
                == "/p/.env:1:1: the file has 1048577 bytes; at most 1048576 are accepted")
        let services = (0..<50).map { "  s\($0): {image: x, env_file: a.env}\n" }.joined()
        let files = MemoryFiles(["compose.yaml": "services:\n" + services, "a.env": String(lines.dropFirst(9))])
        #expect(throws: ComposeError.self) {
            try ProjectLoader(files: files.access).load(.init(workingDirectory: "/p")).project
                .resolvingEnvironment(files: files.access)
        }
    }

    @Test func `Tags below a deep path reach only that path`() throws {
        let files = MemoryFiles([
            "compose.yaml": "services: {web: {image: x, labels: {a: b, c: d}, ports: [\"1\"]}}\n",
            "compose.override.yaml": "services: {web: {labels: {a: !reset }, ports: !override [\"2\"]}}\n",
        ])
        let web = try files.tree().root.descendant("services", "web")
        #expect(web?["labels"]?.goText == "[c=d]")
        #expect(web?["ports"]?.sequence?.count == 1)
    }

    @Test func `Thousands of services that depend on each other load`() throws {
        var text = "services:\n  s0: {image: x}\n"
        for index in 1...3_000 { text += "  s\(index): {image: x, depends_on: [s\(index - 1)]}\n" }
        #expect(try tree(text).root["services"]?.mapping?.entries.count == 3_001)
    }
}
