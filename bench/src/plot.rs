//! The figures as a picture.

use crate::figures::{Figures, QUANTILES, Row};
use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (1080, 620);
/// By program, in the order in which they are measured.
const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(127, 127, 127), RGBColor(190, 190, 190), RGBColor(255, 127, 14)];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws CPU time by case, and waiting at a steady rate.
pub(crate) fn draw(figures: &Figures, path: &Path) -> anyhow::Result<()> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    let drawn = area.fill(&WHITE).map_err(|error| anyhow!("{error}")).and_then(|()| {
        let (left, right) = area.split_horizontally(620);
        cpu(figures, &left)?;
        waiting(figures, &right)?;
        area.present().map_err(|error| anyhow!("{error}"))
    });
    drawn.map_err(|error| error.context(path.display().to_string()))
}

fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// Bars: what each program costs in each case.
fn cpu(figures: &Figures, area: &Area<'_>) -> anyhow::Result<()> {
    // A huge pod would leave nothing to see of the others.
    let cases: Vec<_> = figures.cases.iter().filter(|case| case.name != "huge").collect();
    let rows = || cases.iter().flat_map(|case| &case.programs);
    let most = rows().map(|row| row.cpu_micros.median).fold(1.0, f64::max) * 1.1;
    let end = f64::from(u32::try_from(cases.len())?);
    let mut chart = ChartBuilder::on(area)
        .caption("server CPU for one review, µs", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..end, 0.0..most)?;
    let name = |x: &f64| {
        let place = cases.iter().zip(0_u32..).find(|(_, index)| (f64::from(*index) + 0.5 - x).abs() < 0.01);
        place.map_or_else(String::new, |(case, _)| case.name.clone())
    };
    chart.configure_mesh().disable_x_mesh().x_labels(2 * cases.len() + 1).x_label_formatter(&name).draw()?;
    let programs = cases.first().map_or(0, |case| case.programs.len());
    let width = 0.8 / f64::from(u32::try_from(programs.max(1))?);
    for (index, nth) in (0..programs).zip(0_u32..) {
        let bars = cases.iter().zip(0_u32..).filter_map(|(case, place)| {
            let row = case.programs.get(index)?;
            let left = f64::from(place) + 0.1 + f64::from(nth) * width;
            Some(Rectangle::new([(left, 0.0), (left + width * 0.9, row.cpu_micros.median)], colour(index).filled()))
        });
        let label = cases.first().and_then(|case| case.programs.get(index)).map(|row| row.program.clone());
        chart
            .draw_series(bars)?
            .label(label.unwrap_or_default())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], colour(index).filled()));
    }
    chart.configure_series_labels().border_style(BLACK.mix(0.3)).background_style(WHITE).draw()?;
    Ok(())
}

/// Lines: how long callers waited at a steady rate, by the share of them.
fn waiting(figures: &Figures, area: &Area<'_>) -> anyhow::Result<()> {
    let Some(case) = figures.case("steady") else { return Ok(()) };
    let most = case.programs.iter().flat_map(|row: &Row| row.micros.clone()).fold(1.0, f64::max) / 1e3 * 1.1;
    // One step right is a tenth of the callers.
    let place = |quantile: f64| -(1.0 - quantile).log10();
    let mut chart = ChartBuilder::on(area)
        .caption("waiting at 1,000 reviews a second, ms", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..4.2, 0.0..most)?;
    let share = |x: &f64| match x.round() {
        1.0 => "p90",
        2.0 => "p99",
        3.0 => "p99.9",
        4.0 => "p99.99",
        _ => "",
    };
    chart.configure_mesh().x_labels(5).x_label_formatter(&|x| share(x).to_owned()).draw()?;
    for (index, row) in case.programs.iter().enumerate() {
        let points = QUANTILES.into_iter().zip(&row.micros).map(|(quantile, micros)| (place(quantile), micros / 1e3));
        chart
            .draw_series(LineSeries::new(points, colour(index).stroke_width(2)))?
            .label(row.program.clone())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 15, y)], colour(index).stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(BLACK.mix(0.3)).draw()?;
    Ok(())
}
