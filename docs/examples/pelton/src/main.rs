//! Revenue by country from a CSV file with a broken line, and the account of every record.

use pelton::Engine;

const ORDERS: &str = "country,quantity,unit_price
NO,3,10.50
CH,1,99.00
NO,two,1.00
NO,1,4.50
CH,4,0.25
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("example-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    std::fs::write(file("orders.csv"), ORDERS)?;

    let report = Engine::builder()
        .source(file("orders.csv"))
        .derive("total", "quantity * unit_price")
        .aggregate(
            ["country"],
            [("orders", "count(*)"), ("revenue", "sum(total)")],
        )
        .sort(["revenue DESC"])
        .sink(file("revenue.csv"))
        .dead_letter(file("rejected.ndjson"))
        .run()?;

    print!("{}", std::fs::read_to_string(file("revenue.csv"))?);
    print!("{}", std::fs::read_to_string(file("rejected.ndjson"))?);
    println!("{report}");
    assert!(report.records.balances());
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
