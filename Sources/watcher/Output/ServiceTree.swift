internal import DockerEngine
internal import Reconcile

extension StatusText {
    private struct Row {
        /// In the order of the header.
        var cells: [String]
        var color: String.Color?
        /// Below the row.
        var notes: [String] = []
    }

    private static let header = ["SERVICE", "STATE", "READY", "RESTARTS", "FOR", "IMAGE", "PORTS"]

    /// Services nobody depends on first, what they depend on below them; one that several need is drawn once.
    func tree() -> [String] {
        guard !project.services.isEmpty else { return [] }
        let services = Dictionary(project.services.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var rows: [Row] = []
        var drawn: Set<String> = []
        let tops = tops(services)
        for (index, top) in tops.enumerated() {
            draw(top, services, &drawn, &rows, indent: "", isLast: index == tops.count - 1)
        }
        return [""] + table(rows)
    }

    /// The services nobody depends on, and one of each cycle that none of them leads to.
    private func tops(_ services: [String: StatusReport.Service]) -> [String] {
        var tops: [String] = []
        var reached: Set<String> = []
        let names = project.services.map(\.name)
        let depended = Set(project.services.flatMap(\.dependsOn))
        for name in names.filter({ !depended.contains($0) }) + names where !reached.contains(name) {
            tops.append(name)
            var waiting = [name]
            while let next = waiting.popLast() {
                if reached.insert(next).inserted { waiting += services[next]?.dependsOn ?? [] }
            }
        }
        return tops
    }

    private func draw(
        _ name: String, _ services: [String: StatusReport.Service], _ drawn: inout Set<String>, _ rows: inout [Row],
        indent: String, isLast: Bool
    ) {
        let branch = "\(indent)\(isLast ? "└─ " : "├─ ")\(name.printable)"
        guard drawn.insert(name).inserted else {
            rows.append(Row(cells: [branch, "(above)"]))
            return
        }
        guard let service = services[name] else {
            rows.append(Row(cells: [branch, "not in the project"]))
            return
        }
        let below = indent + (isLast ? "   " : "│  ")
        var row = row(service, branch)
        row.notes = service.containers.compactMap { container in
            container.stats.map { "\(below)\(container.name.printable): \($0.text)" }
        }
        rows.append(row)
        for (index, dependency) in service.dependsOn.enumerated() {
            draw(dependency, services, &drawn, &rows, indent: below, isLast: index == service.dependsOn.count - 1)
        }
    }

    private func row(_ service: StatusReport.Service, _ branch: String) -> Row {
        let words = service.containers.map { $0.word(isDone: service.state == .done) }
        let known = Array(Set(words)).sorted { words.firstIndex(of: $0) ?? 0 < words.firstIndex(of: $1) ?? 0 }
        let none = project.trouble != nil ? "not known" : service.state == nil ? "no container" : "missing"
        let color: String.Color? =
            switch service.state {
            case .works, .done: .green
            case .starting: .yellow
            case .doesNotWork: .red
            case nil: nil
            }
        let ready = service.wanted.map { "\(service.ready ?? 0)/\($0)" } ?? "-"
        let ports = Set(service.containers.flatMap(\.ports)).sorted().map(\.printable).joined(separator: ", ")
        return Row(
            cells: [
                branch, known.isEmpty ? none : known.joined(separator: ", "), ready,
                service.restarts.map { String($0) } ?? "-", service.since.map { Times.age(now - $0) } ?? "-",
                service.image?.printable ?? "-", ports,
            ], color: color)
    }

    /// Columns padded to their widest cell; the state in its colour.
    private func table(_ rows: [Row]) -> [String] {
        let all = [Row(cells: Self.header)] + rows
        let widths = Self.header.indices.map { column in
            all.map { column < $0.cells.count && $0.cells.count == Self.header.count ? $0.cells[column].count : 0 }
                .max() ?? 0
        }
        let first = all.map { $0.cells[0].count }.max() ?? 0
        return all.flatMap { row -> [String] in
            let cells = row.cells.indices.map { column in
                let width = column == 0 ? first : widths[column]
                let cell = row.cells[column]
                let padding = String(repeating: " ", count: max(0, width - cell.count))
                return (column == 1 ? row.color.map { cell.colored($0, colors) } ?? cell : cell) + padding
            }
            var text = "  " + cells.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return [text] + row.notes.map { "  \($0)" }
        }
    }
}

extension StatusReport.Container {
    /// Its state in one word: what its health check says while it runs, else what became of it.
    fileprivate func word(isDone: Bool) -> String {
        switch state {
        case "running": health ?? state
        case "exited": isDone ? "completed" : "exited (\(exitCode ?? 0))"
        case "created": "not started"
        default: state
        }
    }
}

extension ContainerUsage {
    /// `cpu 0.3%, memory 12.1 MiB of 1.9 GiB, network 1.2 kB in 648 B out, disk 0 B read 4.1 kB written`
    var text: String {
        let tenths = Int((cpuPercent * 10).rounded())
        return "cpu \(tenths / 10).\(tenths % 10)%, memory \(Self.binary(memoryUsage)) of \(Self.binary(memoryLimit)), "
            + "network \(Self.decimal(networkReceived)) in \(Self.decimal(networkSent)) out, "
            + "disk \(Self.decimal(blockRead)) read \(Self.decimal(blockWritten)) written"
    }

    private static func binary(_ bytes: Int) -> String { scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]) }

    private static func decimal(_ bytes: Int) -> String { scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB"]) }

    private static func scaled(_ bytes: Int, _ step: Double, _ units: [String]) -> String {
        var value = Double(bytes)
        var unit = 0
        while value >= step, unit < units.count - 1 {
            value /= step
            unit += 1
        }
        guard unit > 0 else { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
