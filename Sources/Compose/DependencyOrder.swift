extension Project {
    /// The enabled services' names, each after the services it depends on, alphabetical where the order is free.
    package var dependencyOrder: [String] {
        var order: [String] = []
        var visited: Set<String> = []
        // Recursion would let a long chain of dependencies overflow the stack.
        for name in services.keys.sorted() {
            var trail = [(name: name, isExpanded: false)]
            while let (name, isExpanded) = trail.popLast() {
                if isExpanded {
                    order.append(name)
                } else if let service = services[name], visited.insert(name).inserted {
                    trail.append((name, true))
                    trail += service.dependsOn.keys.sorted(by: >).map { ($0, false) }
                }
            }
        }
        return order
    }
}
