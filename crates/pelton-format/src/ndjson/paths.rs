//! Which keys lead to wanted columns.

/// What a key, or the index of an array's element, leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// The column that the value is for.
    pub column: Option<u32>,
    /// The node at which to look for the value's own members.
    pub node: Option<u32>,
}

impl Target {
    /// True when nobody asks for the value or anything in it.
    pub(super) const fn is_none(self) -> bool {
        self.column.is_none() && self.node.is_none()
    }
}

/// One object, or array, on the way to wanted values.
#[derive(Debug, Default)]
struct Node {
    /// The beginning of the paths that lead here, its dot included.
    prefix: String,
    keys: Vec<(String, Target)>,
}

/// The wanted paths as a graph: node 0 is the record.
///
/// A name with dots can be read in several ways: `a.b` is the key `a.b`, or `b` inside `a`. All
/// lead to the column; which one counts, when a record has several, is the walk's business.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
}

/// Names with more dots than this are keys and nothing else.
const DOTS_MAX: usize = 63;

impl Paths {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut paths = Self {
            nodes: vec![Node::default()],
        };
        for (column, name) in names.enumerate() {
            paths.add(name, column as u32);
        }
        paths
    }

    /// Adds an edge for each stretch of `name` between two dots, or a dot and an end.
    fn add(&mut self, name: &str, column: u32) {
        let dots: Vec<usize> = name.match_indices('.').map(|(at, _)| at).collect();
        let dots = if dots.len() > DOTS_MAX {
            &[]
        } else {
            &dots[..]
        };
        let starts = std::iter::once(0).chain(dots.iter().map(|dot| dot + 1));
        for start in starts {
            let from = self.node(&name[..start]);
            for &dot in dots.iter().filter(|&&dot| dot >= start) {
                let to = self.node(&name[..=dot]);
                self.edge(from, &name[start..dot]).node = Some(to);
            }
            self.edge(from, &name[start..]).column = Some(column);
        }
    }

    fn node(&mut self, prefix: &str) -> u32 {
        let known = self.nodes.iter().position(|node| node.prefix == prefix);
        let index = known.unwrap_or_else(|| {
            self.nodes.push(Node {
                prefix: prefix.to_owned(),
                keys: Vec::new(),
            });
            self.nodes.len() - 1
        });
        index as u32
    }

    fn edge(&mut self, from: u32, key: &str) -> &mut Target {
        let keys = &mut self.nodes[from as usize].keys;
        let known = keys.iter().position(|(name, _)| name == key);
        let index = known.unwrap_or_else(|| {
            keys.push((key.to_owned(), Target::default()));
            keys.len() - 1
        });
        &mut keys[index].1
    }

    pub(super) const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What `key` leads to in `node`.
    pub(super) fn target(&self, node: u32, key: &[u8]) -> Target {
        let keys = &self.nodes[node as usize].keys;
        keys.iter()
            .find(|(name, _)| name.as_bytes() == key)
            .map_or(Target::default(), |(_, target)| *target)
    }

    /// The elements that are asked for when `node` is an array: index and target.
    pub(super) fn elements(&self, node: u32) -> impl Iterator<Item = (usize, Target)> {
        let keys = &self.nodes[node as usize].keys;
        keys.iter().filter_map(|(name, target)| {
            let index: usize = name.parse().ok()?;
            // `07` and `+7` are keys, and no index.
            (index.to_string() == *name).then_some((index, *target))
        })
    }
}
