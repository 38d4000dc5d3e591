import FoundationEssentials
import Reconcile
import Testing
import WatcherTestSupport

@testable import Compose
@testable import DockerEngine

/// No attribute of the schema is ignored in silence: each is used, refused with its place, or said to have no effect.
@Suite struct AttributeCoverageTests {
    /// The sections of a file whose entries become something on the engine.
    private static let sections: [String: Schema] = {
        guard case .object(let file) = Schema.file else { return [:] }
        return file.keys.compactMapValues { schema in
            guard case .object(let section) = schema else { return nil }
            return section.named
        }
    }()

    /// The paths below a schema that hold values; the user's own names are `*`, lists leave no trace.
    private static func leaves(_ schema: Schema, _ path: String) -> Set<String> {
        switch schema {
        case .either(let alternatives):
            let all = alternatives.reduce(into: Set<String>()) { $0.formUnion(leaves($1, path)) }
            return all.count > 1 ? all.subtracting([path]) : all
        case .list(let element, _): return leaves(element, path)
        case .object(let object):
            if let named = object.named, object.keys.isEmpty {
                let below = leaves(named, path + ".*")
                return below == [path + ".*"] ? [path] : below
            }
            return object.keys.reduce(into: []) { all, entry in
                all.formUnion(leaves(entry.value, path.isEmpty ? entry.key : "\(path).\(entry.key)"))
            }
        default: return [path]
        }
    }

    private static func fates(of section: String) -> [String: AttributeFate] {
        section == "services" ? serviceFates : sectionFates[section] ?? [:]
    }

    /// How documents call an attribute: `deploy.mode`, `configs.*.name`.
    private static func name(_ section: String, _ attribute: String) -> String {
        section == "services" ? attribute : "\(section).*.\(attribute)"
    }

    @Test func `what a file may hold at its top is known`() {
        #expect(Set(Self.sections.keys) == Set(sectionFates.keys).union(["services"]))
        guard case .object(let file) = Schema.file else { return }
        #expect(Set(file.keys.keys) == Set(Self.sections.keys).union(["version", "name", "include"]))
    }

    @Test(arguments: ["services", "networks", "volumes", "configs", "secrets", "models"])
    func `every attribute of the schema has a fate, and only those`(_ section: String) throws {
        let leaves = Self.leaves(try #require(Self.sections[section]), "")
        #expect(!leaves.isEmpty)
        let fates = Self.fates(of: section)
        func covers(_ attribute: String, _ leaf: String) -> Bool {
            if attribute == leaf { return true }
            if case .used = fates[attribute] { return false }
            return leaf.hasPrefix(attribute + ".")
        }
        for leaf in leaves.sorted() {
            #expect(fates.keys.contains { covers($0, leaf) }, "\(section): \(leaf) is ignored in silence")
        }
        for attribute in fates.keys.sorted() {
            #expect(leaves.contains { covers(attribute, $0) }, "\(section): there is no \(attribute)")
        }
    }

    @Test func `an attribute that is used changes what the engine is told or the plan`() throws {
        for (section, attribute, sample) in Self.samples({ if case .used(let sample) = $0 { sample } else { nil } }) {
            let (with, without) = Sample.both(sample)
            let told = Sample(section, with).told()
            #expect(!told.contains("invalid project") || attribute.hasSuffix("required"), "\(attribute): \(told)")
            #expect(told != Sample(section, without).told(), "\(Self.name(section, attribute)) is ignored in silence")
        }
    }

    @Test func `an attribute that is refused is refused with its place`() throws {
        for (section, attribute, sample) in Self.samples({ if case .refused(let sample) = $0 { sample } else { nil } })
        {
            let (with, without) = Sample.both(sample)
            let entry = ["services": "web", "configs": "c", "secrets": "s"][section] ?? ""
            let path = "\(section).\(entry)"
            #expect(try Sample(section, without).problems() == [], "\(attribute)")
            let problems = try Sample(section, with).problems()
            let first = attribute.split(separator: ".")[0]
            #expect(
                problems.contains { $0.path.hasPrefix(section == "services" ? "\(path).\(first)" : path) },
                "\(Self.name(section, attribute)): \(problems)")
            #expect(problems.allSatisfy { $0.location != nil }, "\(attribute): \(problems)")
        }
    }

    @Test func `an attribute without effect is documented`() throws {
        let page = try String(
            contentsOf: URL(filePath: "\(TestEnvironment.root)/docs/conformance.md"), encoding: .utf8)
        let heading = try #require(page.firstRange(of: "\n### Without effect on one engine\n"))
        let rest = page[heading.upperBound...]
        let documented = rest[..<(rest.firstRange(of: "\n##")?.lowerBound ?? rest.endIndex)]
        for section in Self.sections.keys.sorted() {
            for (attribute, fate) in Self.fates(of: section).sorted(by: { $0.key < $1.key }) {
                let isThere = documented.contains("`\(Self.name(section, attribute))`")
                if case .withoutEffect = fate {
                    #expect(isThere, "\(Self.name(section, attribute)) is ignored in silence")
                } else {
                    #expect(!isThere, "\(Self.name(section, attribute)) has an effect")
                }
            }
        }
    }

    private static func samples(_ pick: (AttributeFate) -> String?) -> [(String, String, String)] {
        sections.keys.sorted().flatMap { section in
            fates(of: section).sorted { $0.key < $1.key }.compactMap { attribute, fate in
                pick(fate).map { (section, attribute, $0) }
            }
        }
    }
}

/// A project with one attribute set.
private struct Sample {
    let yaml: String
    private static let files = FileTree([
        "/checkout/Dockerfile": "FROM busybox:1\n", "/checkout/Other": "FROM busybox:1\nLABEL a=b\n",
        "/checkout/app/Dockerfile": "FROM busybox:1\n", "/checkout/a.env": "A='b$C'\n", "/checkout/b.env": "B=c\n",
        "/checkout/other.yaml": "services:\n  db: {image: 'other:1'}\n",
    ])

    /// The text with what its marks hold, and without.
    static func both(_ text: String) -> (with: String, without: String) {
        func choose(_ index: Int) -> String {
            text.split(separator: "«", omittingEmptySubsequences: false).map { piece in
                guard let end = piece.firstIndex(of: "»") else { return String(piece) }
                let choices = piece[..<end].split(separator: "|", omittingEmptySubsequences: false)
                let chosen = choices.indices.contains(index) ? String(choices[index]) : ""
                return chosen + piece[piece.index(after: end)...]
            }.joined()
        }
        return (choose(0), choose(1))
    }

    init(_ section: String, _ text: String) {
        var entries = ["back": "", "data": "", "c": "file: ./a.env", "s": "file: ./a.env", "m": "model: a"]
        let entry = ["networks": "back", "volumes": "data", "configs": "c", "secrets": "s", "models": "m"][section]
        if let entry { entries[entry] = text }
        func braces(_ entry: String) -> String { "{\(entries[entry] ?? "")}" }
        let web = section == "services" ? text : ""
        let image = web.hasPrefix("image:") || web.hasPrefix("extends:") ? "" : "image: busybox:1"
        yaml = """
            services:
              web:
                x-test: true
                \(image)
                \(web)
              db: {image: 'busybox:1', networks: [back, front], volumes: ['data:/d'], configs: [c], secrets: [s]}
              off: {image: 'busybox:1', profiles: [off], command: [off]}
              changed: {image: 'busybox:1', environment: {A: b}}
            networks: {back: \(braces("back")), front: {}}
            volumes: {data: \(braces("data"))}
            configs: {c: \(braces("c")), inline: {content: x}}
            secrets: {s: \(braces("s")), variable: {environment: SET}}
            models: {m: \(braces("m"))}
            """
    }

    private func load() throws -> ProjectLoader.Result {
        var tree = Self.files
        tree.files["/checkout/compose.yaml"] = yaml
        var request = ProjectLoader.Request(workingDirectory: "/checkout")
        request.projectName = "shop"
        request.environment = ["SET": "yes"]
        return try ProjectLoader(files: tree.access).load(request)
    }

    func problems() throws -> [ComposeError.Problem] {
        let loaded = try load()
        return loaded.placing(loaded.project.deploymentProblems())
    }

    /// All that the engine would be told, and the plans for an empty engine and for one that runs almost this.
    func told() -> String {
        do {
            let project = try load().project.resolvingEnvironment(files: Self.files.access)
            var lines = try plans(project)
            for (name, service) in project.services.sorted(by: { $0.key < $1.key }) {
                lines += try told(name, service, project)
            }
            for (key, network) in project.networks.sorted(by: { $0.key < $1.key }) where !network.external {
                var body = NetworkCreateBody(.init(network, key: key, in: project), version: .newest)
                body.labels[ComposeLabels.configHash] = nil
                lines.append(try json(body))
            }
            for (key, volume) in project.volumes.sorted(by: { $0.key < $1.key }) where !volume.external {
                var body = VolumeCreateBody(.init(volume, key: key, in: project))
                body.labels[ComposeLabels.configHash] = nil
                lines.append(try json(body))
            }
            return lines.joined(separator: "\n")
        } catch {
            return "invalid project: \(error)"
        }
    }

    private func told(_ name: String, _ service: Service, _ project: Project) throws -> [String] {
        let deployable = try DeployableProject(project, on: EngineTraits(version: .newest))
        let final = service.containerName(in: project, number: 1)
        let specification = deployable.specification(
            of: service, number: 1, finalName: "shop-\(name)-1", image: nil, stamp: sampleStamp,
            linked: ["db": ["shop-db-1"]])
        let mapping = ContainerMapping(
            ContainerCreation(
                service: name, number: 1, name: final, finalName: "shop-\(name)-1",
                image: service.imageName(in: project), references: ["db": ContainerID(hex: "d")],
                specification: specification))
        var body = mapping.body
        for label in [ComposeLabels.configHash, ComposeLabels.dependsOn] { body.labels[label] = nil }
        var lines = [try json(body), "\(mapping.query)", "\(project.grantedFiles(of: service))"]
        lines += try (service.postStart + service.preStop).map { try json(ExecBody($0)) }
        if let build = ImageBuild(of: service, in: project) {
            let context = try BuildContext(of: build, files: Self.files.access)
            lines.append("\(try BuildQuery(build, context, proxies: [:]).parameters)")
            lines.append("\(context.items.map(\.path)) \(context.dockerfileText)")
        }
        return lines
    }

    private func target(_ project: Project, _ deployment: Int) throws -> Target {
        Target(
            try DeployableProject(project, on: EngineTraits(version: .newest)),
            stamp: .init(project: "shop", commit: CommitID(hex: "c0ffee"), deployment: deployment))
    }

    private func plans(_ project: Project) throws -> [String] {
        var engine = SimulatedEngine()
        for image in ["busybox:1", "other:1", "a"] { engine.setImage(image, id: "sha256:\(image)") }
        let first = try Reconciler.plan(target(project, 1), engine.state)
        // What is external is there.
        engine.state.networks["back"] = .init(id: "n", name: "back", labels: [:])
        engine.state.volumes["data"] = .init(name: "data", driver: "local", labels: [:])
        var earlier = [project, project]
        earlier[0].services["changed"]?.environment = [:]
        earlier[1].services["web"]?.labels["before"] = "true"
        return try [first.description] + earlier.flatMap { try plan(project, after: $0, on: engine) }
    }

    /// The plan where another version of the project runs, with what its waits are for.
    private func plan(_ project: Project, after earlier: Project, on engine: SimulatedEngine) throws -> [String] {
        var engine = engine
        var created: [Int: ContainerID] = [:]
        for step in try Reconciler.plan(target(earlier, 1), engine.state).steps {
            let operation = step.operation.map { reference in
                switch reference {
                case .existing(let id): id
                case .created(let step): created[step] ?? ContainerID(hex: "")
                }
            }
            created[step.id] = try engine.perform(operation)
        }
        let plan = try Reconciler.plan(target(project, 2), engine.state)
        let waits = plan.steps.compactMap { if case .wait(let wait) = $0.operation { "\(wait)" } else { nil } }
        return [plan.description] + waits
    }
}
